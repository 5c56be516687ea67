"""The exchanges that show what is broken, as an HTTP Archive (HAR 1.2), to be opened in a browser's network panel."""

from __future__ import annotations

from typing import Any


def har(report: dict[str, Any]) -> dict[str, Any]:
    """The document: one page a requirement that is broken. Bodies are as in the report: excerpts, without secrets."""
    broken = [entry for entry in report["requirements"] if entry["breaches"]]
    pages = [_page(report, entry) for entry in broken]
    entries = [
        _entry(report, entry["id"], exchange)
        for entry in broken
        for breach in entry["breaches"]
        for exchange in breach["exchanges"]
    ]
    creator = {"name": "neuroengine-conformance", "version": report["suite_version"]}
    return {"log": {"version": "1.2", "creator": creator, "pages": pages, "entries": entries}}


def _page(report: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    title = f"{entry['id']} {entry['title']}: {entry['verdict']}"
    return {"startedDateTime": report["started_at"], "id": entry["id"], "title": title, "pageTimings": {}}


def _entry(report: dict[str, Any], page: str, exchange: dict[str, Any]) -> dict[str, Any]:
    request, answer = exchange["request"], exchange["answer"]
    milliseconds = round(exchange["seconds"] * 1000, 3)
    headers = [] if request["content_type"] is None else [_header("Content-Type", request["content_type"])]
    if request["access_key"]:
        headers.append(_header("Authorization", "Bearer $NE_KEY"))
    return {
        "pageref": page,
        "startedDateTime": report["started_at"],
        "time": milliseconds,
        "request": {
            "method": request["method"],
            "url": request["url"],
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers,
            "queryString": [],
            "postData": {"mimeType": request["content_type"] or "", "text": request["body"]},
            "headersSize": -1,
            "bodySize": request["bytes"],
        },
        "response": _response(answer),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": answer.get("detail", ""),
    }


def _response(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer; status 0 where trouble came instead, as browsers have it."""
    body, content_type = answer.get("body", ""), answer.get("content_type") or ""
    return {
        "status": answer.get("status", 0),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [_header("Content-Type", content_type)] if content_type else [],
        "content": {"size": len(body.encode()), "mimeType": content_type, "text": body},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
