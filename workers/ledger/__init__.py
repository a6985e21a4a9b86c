"""The step ledger: durable work, exactly once in effect.

models          rows: workflows and steps
workflows       opening workflows, adding steps, and what the house decides about them
claims          one worker's hold on a step: claim, renew, complete, fail
attempt         one attempt at a step, as a Celery task makes it
backoff         when to try again (pure)
bookkeeper      the dispatcher's part: starts workflows, wakes steps, sweeps
"""
