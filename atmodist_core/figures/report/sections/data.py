"""Section on models, data, times and intervals."""

from __future__ import annotations

import pandas as pd

from atmodist_core.figures.findings.wording import count, joined, things
from atmodist_core.figures.report.document import Block, Bullets, Paragraph, Section
from atmodist_core.figures.report.reading import Evaluation
from atmodist_core.figures.report.tabulating import plain_table

_UNSTATED = "not stated"


def data_section(evaluation: Evaluation) -> Section:
    """Describe models, data, times, and the origin of the intervals."""
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
            "Weights: first digits of the hash of the weights, which distinguishes models of the same name; empty for "
            "interpolation. Precision: arithmetic in the network.",
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
                "First and last time [UTC] of the data used as the truth.",
                heads | {"first_time": "first time", "last_time": "last time"},
                data,
            )
        )
    notes = [line for line in str(evaluation.tree.attrs.get("notes", "")).splitlines() if line.strip()]
    if notes:
        blocks += [Paragraph("Notes of the evaluation:"), Bullets(tuple(notes))]
    return Section("data", "Models and data", tuple(blocks), _not_shown(evaluation))


def _task(evaluation: Evaluation) -> str:
    factor = evaluation.number_of("factor")
    names = [evaluation.name(label) for label in evaluation.labels]
    sentence = (
        f"The input of {joined(names)} is the area mean of the truth over blocks of {factor} x {factor} grid points; the "
        "output at full resolution is compared with the truth. "
        if factor
        else f"{joined(names)} {'was' if len(names) == 1 else 'were'} compared with the truth. "
    )
    if evaluation.reference is None:
        return sentence + "There is no reference, so models are not compared with each other."
    if not evaluation.candidates:
        return (
            sentence
            + f"{evaluation.name(evaluation.reference)} is the only model, so there is no comparison."
        )
    read = joined([evaluation.name(label) for label in evaluation.candidates])
    return sentence + f"The reference is {evaluation.name(evaluation.reference)}; compared with it: {read}."


def _record(evaluation: Evaluation) -> str:
    parts = []
    times, at_cities, days = (evaluation.number_of(name) for name in ("times", "city_times", "days"))
    if times is not None:
        parts.append(f"Global measures use {things(times, 'time')}")
        if at_cities:
            parts[-1] += f", local statistics on {count(at_cities)}"
        if days:
            parts[-1] += f", within {things(days, 'day')}"
        parts[-1] += "."
    replicates, block = evaluation.number_of("replicates"), evaluation.number_of("block_days")
    if replicates:
        parts.append(
            f"Numbers in brackets are 95 % intervals from {count(replicates)} bootstrap samples of moving blocks of "
            f"{things(block or 1, 'day')} (seed {evaluation.number_of('seed')}), with the same days for every model. They describe the "
            "uncertainty due to the weather of the record; a difference is claimed only if an interval excludes equality. "
            + (
                "A model is called closer to the truth than the reference if the interval of their difference in the same resampled days "
                "excludes zero; without such an interval, the two intervals must not overlap."
                if evaluation.is_paired
                else "Two models are called different only if their intervals do not overlap."
            )
        )
    else:
        parts.append("There are no intervals, so no difference is claimed.")
    first, last = (evaluation.number_of(f"band_{end}") for end in ("first", "last"))
    if first and last:
        origin = str(evaluation.tree.attrs.get("band_origin", ""))
        parts.append(
            f"The coarse grid resolves total wavenumbers below {first}; added scales are evaluated from {first} to {last}"
            + (f" ({origin})." if origin else ".")
        )
    return " ".join(parts)


def _simulated(evaluation: Evaluation) -> str:
    simulated = [str(entry.get("label")) for entry in evaluation.data if entry.get("simulated")]
    if not simulated:
        return ""
    return (
        f"Simulated data: {joined(simulated)}. This is a dry model atmosphere, not the Earth; results may differ for "
        "reanalyses or observations."
    )


def _not_shown(evaluation: Evaluation) -> tuple[str, ...]:
    sentences = [
        "Variation between training runs: the intervals describe the weather, not the random initialisation of training, "
        "unless several runs are among the models.",
        "Other levels, variables, resolutions or periods than those in the table.",
    ]
    if any(entry.get("simulated") for entry in evaluation.data):
        sentences.append("Performance on real weather where the data are simulated.")
    return tuple(sentences)
