"""Questions and Feedback: what the planner asks, and what people say to a plan."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from phasegate.documents.base import KIB, Document, Frozen, Line, Prose


class Question(Frozen):
    """Something that only a human can decide."""

    id: Annotated[str, StringConstraints(pattern=r"^Q[1-9][0-9]?$")]
    question: Line
    why: Line = Field(description="what depends on the answer")
    suggestion: Line = Field(description="what you would do if nobody answered")


class QuestionsPayload(Frozen):
    """The interview: asked instead of a plan when a decision is missing."""

    questions: tuple[Question, ...] = Field(min_length=1, max_length=8)


class Questions(Document):
    """What the planner asks before it can plan."""

    max_bytes: ClassVar[int] = 8 * KIB
    kind: Literal["questions"] = "questions"
    payload: QuestionsPayload


class FeedbackPayload(Frozen):
    """What a person said: a wish for another plan, or answers to questions."""

    verb: Literal["revise", "answer", "replan"]
    text: Prose
    author: str
    at: datetime


class Feedback(Document):
    """What starts the planner again."""

    max_bytes: ClassVar[int] = 32 * KIB
    kind: Literal["feedback"] = "feedback"
    payload: FeedbackPayload
