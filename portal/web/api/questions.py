"""Questions to the organisers of a challenge, for programs."""

from typing import Annotated

from fastapi import Query, Response

from portal.services.challenges import question_views
from portal.services.challenges import questions as commands
from portal.services.challenges.question_views import QuestionFacts
from portal.web.api import models
from portal.web.api.calls import Id, Organising, PageNumber, Reading, Slug, Submitting


def questions(
    call: Reading,
    slug: Slug,
    state: Annotated[
        str,
        Query(
            max_length=20,
            description="For those who work for the challenge: a state, or `all`; without, those that wait.",
        ),
    ] = "",
    q: Annotated[str, Query(max_length=200, description="Words of question or answer.")] = "",
    page: PageNumber = 1,
) -> models.Questions:
    """List the questions of a challenge with public answers; organisers list those in a state.

    A program works for the challenge with a token that has the scope `organise`.
    """
    found = call.read(
        question_views.questions_page,
        actor=call.actor,
        slug=slug,
        wanted=state,
        words=q.replace("\0", ""),
        page=page,
        now=call.now,
    )
    return models.Questions(items=[_item(row) for row in found.items], **call.place(found.pages))


def ask(
    call: Submitting, slug: Slug, wanted: models.QuestionAsked, response: Response
) -> models.Made:
    """Ask the organisers of a challenge in which you take part; the same again asks nothing."""
    made = call.write(
        commands.ask,
        actor=call.actor,
        slug=slug,
        title=wanted.title,
        text=wanted.text,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    return call.made(response, made, f"/challenges/{slug}/q-and-a")


def answer(
    call: Organising, slug: Slug, question_id: Id, wanted: models.QuestionAnswer
) -> models.QuestionItem:
    """Answer a question, or change its answer. Doing it again changes nothing."""
    call.write(
        commands.answer,
        actor=call.actor,
        slug=slug,
        question_id=question_id,
        answer=wanted.answer,
        is_public=wanted.public,
        now=call.now,
        by_mail=call.context.sends_mail,
    )
    page = call.read(
        question_views.question_page,
        actor=call.actor,
        slug=slug,
        question_id=question_id,
        now=call.now,
    )
    return _item(page.item)


def _item(row: QuestionFacts) -> models.QuestionItem:
    return models.QuestionItem(
        id=row.id,
        title=row.title,
        text=row.text,
        state=row.state,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        is_own=row.is_own,
        answer=row.answer,
        answered_at=row.answered_at,
        note=row.note,
    )
