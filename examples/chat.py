"""Chat with the model, with images in both directions, streamed: python examples/chat.py."""

from __future__ import annotations

from seedx_sdk import ImageDone, Message, ReplyDone, SeedX, TextDelta
from seedx_sdk.imaging import save_image

seedx = SeedX()
history: list[Message] = []
for turn, prompt in enumerate(("draw a red house and a green tree", "what color is the house?"), start=1):
    print(f"> {prompt}")
    history.append(Message.user(prompt))
    for event in seedx.chat_stream(history):
        if isinstance(event, TextDelta):
            print(event.text, end="", flush=True)
        elif isinstance(event, ImageDone):
            print("\n[image:", save_image(event.image, f"chat-{turn}.png"), "]")
        elif isinstance(event, ReplyDone):
            history.append(event.reply.message)
            print()
