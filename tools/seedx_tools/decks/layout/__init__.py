"""Where a slide's title, text and pictures go, when something other than the template's layouts decides."""
