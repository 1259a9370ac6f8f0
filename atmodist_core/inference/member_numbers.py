"""The check of how many members an ensemble model draws, and from which seed."""

from __future__ import annotations

from atmodist_core.common.errors import UserError


def check_member_numbers(
    name: str, members: int | None, seed: int, first: int = 0, *, is_ensemble: bool, advice: str
) -> None:
    """Raise a UserError for members of a model that has none, and for numbers that are none.

    ``members`` is None for one field without an axis of members, ``first`` the number of the first member; ``advice`` says
    after "choose a model" which one to choose instead of the model ``name`` that draws none.
    """
    if (members is not None or first) and not is_ensemble:
        raise UserError(
            f"Expected an ensemble model for members, found {name!r}, which gives one field: leave members out,"
            f" or choose a model {advice}."
        )
    if members is not None and (not isinstance(members, int) or members < 1):
        raise UserError(f"Expected members of 1 or more, found {members!r}: give 8, or leave it out.")
    for what, value in (("seed", seed), ("first member", first)):
        if not isinstance(value, int) or value < 0:
            raise UserError(f"Expected a {what} of 0 or more, found {value!r}: give 0, 1, 2, ...")
