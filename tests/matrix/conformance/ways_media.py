"""Images and sound: tokens, characters, seconds.

Prices in USD, openai.com/api/pricing, checked 2026-11-23: gpt-image-1 $5 text in, $40 image out; tts-1 $15 for a
million characters; whisper-1 $0.006 a minute; gpt-4o-transcribe $2.50 text in, $6 audio in, $10 out.
"""

from __future__ import annotations

from decimal import Decimal

from .bench import Bench
from .way import Expect, way

_MILLION = 10**6
_IMAGE = (50 * Decimal(5) + 4160 * Decimal(40)) / _MILLION
_WAV = ("a.wav", b"RIFF0000WAVE", "audio/wav")
_PNG = ("a.png", b"\x89PNG", "image/png")


@way("openai", "images", "generate, by tokens", Expect(_IMAGE))
async def image(bench: Bench) -> None:
    bench.saw(await bench.wait(bench.client.images.generate(model="gpt-image-1", prompt="a cat")))


@way("openai", "images", "edit, by tokens", Expect(_IMAGE))
async def edited(bench: Bench) -> None:
    call = bench.client.images.edit
    bench.saw(await bench.wait(call(model="gpt-image-1", image=_PNG, prompt="a cat")))


@way("openai", "images stream", "generate, by tokens", Expect(_IMAGE), kind="types.ImageGenCompletedEvent")
async def image_streamed(bench: Bench) -> None:
    call = bench.client.images.generate
    await bench.each(await bench.wait(call(model="gpt-image-1", prompt="a cat", stream=True)), bench.saw)


@way("openai", "images", "create_variation, by the piece", Expect(Decimal("0.020")))
async def variation(bench: Bench) -> None:
    bench.saw(await bench.wait(bench.client.images.create_variation(model="dall-e-2", image=_PNG)))


@way("openai", "images", "generate, by the piece", Expect(Decimal("0.040")))
async def piece(bench: Bench) -> None:
    call = bench.client.images.generate
    bench.saw(await bench.wait(call(model="dall-e-3", prompt="a cat", size="1024x1024", quality="standard")))


@way("openai", "audio.speech", "create", Expect(11 * Decimal(15) / _MILLION))
async def speech(bench: Bench) -> None:
    answer = await bench.wait(
        bench.client.audio.speech.create(model="tts-1", voice="alloy", input="hello world")
    )
    bench.saw(type(answer), answer.content)


@way("openai", "audio.speech", "with_streaming_response", Expect(11 * Decimal(15) / _MILLION))
async def speech_streamed(bench: Bench) -> None:
    call = bench.client.audio.speech.with_streaming_response.create

    async def read(response: object) -> None:
        pieces: list[bytes] = []
        await bench.each(response.iter_bytes(), pieces.append)  # type: ignore[attr-defined]
        bench.saw(b"".join(pieces))

    await bench.within(call(model="tts-1", voice="alloy", input="hello world"), read)


@way(
    "openai",
    "audio.transcriptions",
    "by tokens",
    Expect((10 * Decimal("2.5") + 230 * Decimal(6) + 45 * Decimal(10)) / _MILLION),
)
async def transcription(bench: Bench) -> None:
    call = bench.client.audio.transcriptions.create
    bench.saw(await bench.wait(call(model="gpt-4o-transcribe", file=_WAV)))


@way(
    "openai",
    "audio.transcriptions stream",
    "by tokens",
    Expect((10 * Decimal("2.5") + 230 * Decimal(6) + 45 * Decimal(10)) / _MILLION),
    imports=("openai.types.audio.transcription_text_done_event",),
)
async def transcription_streamed(bench: Bench) -> None:
    call = bench.client.audio.transcriptions.create
    await bench.each(await bench.wait(call(model="gpt-4o-transcribe", file=_WAV, stream=True)), bench.saw)


@way("openai", "audio.transcriptions", "by duration", Expect(12 * Decimal("0.006") / 60))
async def by_duration(bench: Bench) -> None:
    bench.saw(await bench.wait(bench.client.audio.transcriptions.create(model="whisper-1", file=_WAV)))


@way("openai", "audio.transcriptions", "as text: no usage", Expect(None, "unpriced", "no-usage"))
async def as_text(bench: Bench) -> None:
    call = bench.client.audio.transcriptions.create
    bench.saw(await bench.wait(call(model="whisper-1", file=_WAV, response_format="text")))


@way("openai", "audio.translations", "no usage", Expect(None, "unpriced", "no-usage"))
async def translation(bench: Bench) -> None:
    bench.saw(await bench.wait(bench.client.audio.translations.create(model="whisper-1", file=_WAV)))
