"""Talk with the model, with pictures in both directions, streamed: python examples/chat.py."""

from __future__ import annotations

from seedx_sdk import ImageDone, Message, ReplyDone, SeedX, TextDelta
from seedx_sdk.imaging import save_image

seedx = SeedX()
history: list[Message] = []
for turn, words in enumerate(("draw a red house and a green tree", "what color is the house?"), start=1):
    print(f"> {words}")
    history.append(Message.user(words))
    for event in seedx.chat_stream(history):
        if isinstance(event, TextDelta):
            print(event.text, end="", flush=True)
        elif isinstance(event, ImageDone):
            print("\n[picture:", save_image(event.image, f"chat-{turn}.png"), "]")
        elif isinstance(event, ReplyDone):
            history.append(event.reply.message)
            print()
