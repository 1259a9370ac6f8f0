"""The errors that a user sees."""


class UserError(ValueError):
    """A mistake a user can mend: one sentence with what was expected, what was found and what to do."""


class Cancelled(Exception):  # noqa: N818 - it is an answer to the user's own request, not an error
    """Raised inside a long computation when the caller asked for it to stop."""


class AtmodistWarning(UserWarning):
    """Something a user should know about a result that was still computed: one sentence."""
