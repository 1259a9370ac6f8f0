"""What the processor tells of itself, on Linux and elsewhere."""

import pytest

from atmodist_core.common import cpu as processor

X86 = "processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: A fast one\nflags\t\t: fpu avx512_bf16\n\nprocessor\t: 1\nvendor_id\t: other\n"
ARM = "processor\t: 0\nFeatures\t: fp bf16\nCPU implementer\t: 0x41\n"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Set what ``/proc/cpuinfo`` holds, None where there is none, and what Python says."""

    def tell(text, elsewhere=""):
        file = tmp_path / "cpuinfo"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        monkeypatch.setattr(processor, "Path", lambda _name: file)
        monkeypatch.setattr(processor.platform, "processor", lambda: elsewhere)
        monkeypatch.setattr(processor.platform, "machine", lambda: "aarch64")
        processor._cpu_entries.cache_clear()

    yield tell
    processor._cpu_entries.cache_clear()


@pytest.mark.parametrize(
    ("vendor", "expected"), [("AuthenticAMD", True), ("GenuineIntel", False), ("", False)]
)
def test_the_maker_is_known_by_its_name(told, vendor, expected):
    told(X86.format(vendor=vendor))
    assert processor.is_made_by_amd() is expected
    told(None, f"AMD64 Family 25 Model 17, {vendor}")
    assert processor.is_made_by_amd() is expected


def test_name_and_instructions_are_those_of_the_first_processor(told):
    told(X86.format(vendor="GenuineIntel"))
    assert processor.processor_name() == "A fast one"
    assert processor.processor_flags() == {"fpu", "avx512_bf16"}
    told(ARM)
    assert processor.processor_name() == "aarch64"
    assert processor.processor_flags() == {"fp", "bf16"}
    told(None, "i386")
    assert processor.processor_name() == "i386"
    assert processor.processor_flags() == set()
