"""What was compared, and on what."""

from __future__ import annotations

import pandas as pd

from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Section
from atmodist_core.figures.report.reading import Evaluation
from atmodist_core.figures.report.tabulating import plain_table
from atmodist_core.figures.report.wording import count, joined, things

_UNSTATED = "not stated"


def data_section(evaluation: Evaluation) -> Section:
    """Models, data, times, and where the intervals come from."""
    blocks: list[Block] = [Paragraph(_task(evaluation)), Paragraph(_record(evaluation))]
    warning = _simulated(evaluation)
    if warning:
        blocks.append(Paragraph(warning))
    models = pd.DataFrame(
        [
            {"shown_as": evaluation.name(str(entry["label"]))}
            | {key: entry.get(key, "") for key in ("label", "name", "description", "precision", "weights")}
            for entry in evaluation.models
        ]
    )
    blocks.append(
        plain_table(
            "models",
            "The models",
            "Weights: the beginning of the hash of the weights, by which a model can be told from another of the same "
            "name; empty for interpolations. Precision: of the arithmetic in the network.",
            {
                "shown_as": "shown as",
                "label": "label",
                "description": "description",
                "precision": "precision",
                "short": "weights",
            },
            models.assign(short=models["weights"].astype(str).str[:12]),
        )
    )
    if evaluation.data:
        data = pd.DataFrame(evaluation.data)
        for key in ("label", "source", "level", "grid", "first_time", "last_time"):
            data[key] = data.get(key, _UNSTATED)
        data["kind"] = [
            "simulated" if entry.get("simulated") else "not simulated" for entry in evaluation.data
        ]
        heads = {"label": "data", "kind": "kind", "source": "source", "level": "level", "grid": "grid"}
        blocks.append(
            plain_table(
                "data",
                "The data",
                "First and last time [UTC] of what was used as the truth.",
                heads | {"first_time": "first time", "last_time": "last time"},
                data,
            )
        )
    notes = [line for line in str(evaluation.tree.attrs.get("notes", "")).splitlines() if line.strip()]
    if notes:
        blocks += [Paragraph("Noted while the evaluation was made:"), Bullets(tuple(notes))]
    return Section("data", "What was compared, and on what", tuple(blocks), _not_shown(evaluation))


def _task(evaluation: Evaluation) -> str:
    factor = evaluation.number_of("factor")
    names = [evaluation.name(label) for label in evaluation.labels]
    sentence = (
        f"{joined(names)} {'was' if len(names) == 1 else 'were each'} given the area mean of the truth over blocks of "
        f"{factor} x {factor} grid points and asked for the fields at the full resolution; the result is compared with "
        "the truth. "
        if factor
        else f"{joined(names)} {'was' if len(names) == 1 else 'were'} compared with the truth. "
    )
    if evaluation.reference is None:
        return sentence + "No model is named as the reference, so none is compared with another."
    if not evaluation.candidates:
        return (
            sentence
            + f"{evaluation.name(evaluation.reference)} is the only one, so there is nothing to compare it with."
        )
    read = joined([evaluation.name(label) for label in evaluation.candidates])
    return sentence + f"The reference is {evaluation.name(evaluation.reference)}; compared with it: {read}."


def _record(evaluation: Evaluation) -> str:
    parts = []
    times, at_cities, days = (evaluation.number_of(name) for name in ("times", "city_times", "days"))
    if times is not None:
        parts.append(f"Global measures rest on {things(times, 'time')}")
        if at_cities:
            parts[-1] += f", local statistics on {count(at_cities)}"
        if days:
            parts[-1] += f", within {things(days, 'day')}"
        parts[-1] += "."
    replicates, block = evaluation.number_of("replicates"), evaluation.number_of("block_days")
    if replicates:
        parts.append(
            f"Numbers in brackets are 95 % intervals from {count(replicates)} resamplings of moving blocks of "
            f"{things(block or 1, 'day')} (seed {evaluation.number_of('seed')}), the same days for every model. They say how far the number "
            "could have been off with other weather of the same kind; a difference is called one only where an interval "
            "excludes that there is none. "
            + (
                "Whether a model is closer to the truth than the reference is read from the interval of the difference in the same resampled "
                "days, where there is one; else the two intervals must lie apart."
                if evaluation.is_paired
                else "Two models are told apart only where their intervals lie apart."
            )
        )
    else:
        parts.append("There are no intervals, so nothing below is called a difference.")
    first, last = (evaluation.number_of(f"band_{end}") for end in ("first", "last"))
    if first and last:
        origin = str(evaluation.tree.attrs.get("band_origin", ""))
        parts.append(
            f"The coarse grid carries total wavenumbers below {first}; what a model adds is judged from {first} to {last}"
            + (f" ({origin})." if origin else ".")
        )
    return " ".join(parts)


def _simulated(evaluation: Evaluation) -> str:
    simulated = [str(entry.get("label")) for entry in evaluation.data if entry.get("simulated")]
    if not simulated:
        return ""
    return (
        f"Simulated: {joined(simulated)}. This is the weather of a dry model atmosphere, not of the Earth, and what "
        "holds for it need not hold for reanalyses or observations."
    )


def _not_shown(evaluation: Evaluation) -> tuple[str, ...]:
    sentences = [
        "What another training of the same model would give: the intervals are about the weather, not about the random "
        "start of a training, unless several trainings are among the models.",
        "Anything about other levels, variables, resolutions or periods than those of the table.",
    ]
    if any(entry.get("simulated") for entry in evaluation.data):
        sentences.append("How the models do on real weather, as far as the data are simulated.")
    return tuple(sentences)
