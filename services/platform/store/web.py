"""Makes the web application of a service whose routes use the database."""

from fastapi import FastAPI

from services.platform.runtime.http.problems import answer_with_problems
from services.platform.store.transient_errors import OF_DATABASE, is_transient


def new_web_app(service: str) -> FastAPI:
    """Answers every error with a problem document: 503 while the database is away, so that the sender repeats."""
    app = FastAPI(title=f"Safe Return: {service}", version="1", docs_url=None, redoc_url=None)
    answer_with_problems(app, passing=OF_DATABASE, passes_by_itself=is_transient)
    return app
