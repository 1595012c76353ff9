"""Ids of collaboration."""

from domain.kernel.ids import Id


class RoomId(Id, prefix="room"):
    """The place where one document is edited together."""


class ParticipantId(Id, prefix="prt"):
    """One connection of a person or program to a room."""


class OperationId(Id, prefix="opn"):
    """One edit, as the room accepted it."""


class ConflictId(Id, prefix="cfl"):
    """Edits that merged but contradict each other."""


class ThreadId(Id, prefix="thd"):
    """A thread of comments."""


class CommentId(Id, prefix="cmt"):
    """One comment in a thread."""
