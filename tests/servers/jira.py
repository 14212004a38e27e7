"""Jira in the shape of its published REST API v2 (search/jql, issue, comment, transitions), in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers.stub import Reply, Told

DONE, REOPENED = "31", "11"  # transitions
VARIABLES = {"project": "NET", "done_transition": DONE, "reopen_transition": REOPENED}


@dataclass
class Jira:
    """issues by key: fields, comments, transitions, done. A transition that leads to where an issue stands is a 400."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, told: Told) -> Reply:
        with self.lock:
            return self.answer(told)

    def answer(self, told: Told) -> Reply:
        parts = urlsplit(told.path)
        query = parse_qs(parts.query)
        words = parts.path.removeprefix("/rest/api/2/").split("/")
        if words == ["search", "jql"]:
            label = query["jql"][0].split('"')[1]
            found = [key for key, issue in self.issues.items() if label in issue["fields"]["labels"]]
            return Reply(200, {"isLast": True, "issues": [self.shown(key) for key in reversed(found)][:1]})
        if words == ["issue"]:
            key = f"NET-{len(self.issues) + 1}"
            self.issues[key] = {"fields": told.json["fields"], "comments": [], "transitions": [], "done": False}
            return Reply(201, {"id": "10000", "key": key, "self": "x"})
        if words[0] != "issue" or words[1] not in self.issues:
            return Reply(404, {"errorMessages": ["Issue does not exist"]})
        issue = self.issues[words[1]]
        if told.method == "GET" and len(words) == 2:
            return Reply(200, self.shown(words[1]))
        if words[2] == "comment" and told.method == "GET":
            return Reply(200, {"comments": [{"body": text} for text in reversed(issue["comments"])]})
        if words[2] == "comment":
            issue["comments"].append(told.json["body"])
            return Reply(201, {"id": str(len(issue["comments"]))})
        done = told.json["transition"]["id"] == DONE
        if done == issue["done"]:
            return Reply(400, {"errorMessages": ["It seems that you have tried to perform an illegal transition"]})
        issue["done"] = done
        issue["transitions"].append(told.json["transition"]["id"])
        return Reply(204)

    def shown(self, key: str) -> dict[str, Any]:
        category = "done" if self.issues[key]["done"] else "new"
        return {"key": key, "fields": {"status": {"statusCategory": {"key": category}}}}
