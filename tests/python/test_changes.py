"""Faults that were injected into real systems: does the ranking of what changed name the faulty service?"""

import datetime
import json

import requests

from conftest import PATIENCE_S, TESTS

SECOND = 1_000_000_000
# A time in which no fault was active; the other dataset has none.
WELL = {"nezha-tt": ("2023-01-29 08:48:00", "2023-01-29 08:52:00")}


def unix_nano(text):
    at = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
    return int(at.timestamp()) * SECOND


def ranking(recorded, fault):
    start = unix_nano(fault["inject_time_utc"])
    parameters = {"start": start, "end": start + 120 * SECOND}
    if fault["dataset"] in WELL:
        parameters |= dict(zip(["baseline_start", "baseline_end"], map(unix_nano, WELL[fault["dataset"]]), strict=True))
    answer = requests.get(f"{recorded.http}/api/v1/services/changes", params=parameters, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_most_injected_faults_are_found(recorded):
    faults = json.loads((TESTS / "data" / "labels.json").read_text())["faults"]
    places = {}
    for fault in faults:
        found = ranking(recorded, fault)
        names = [service["service_name"] for service in found["services"]]
        place = names.index(fault["service"]) + 1 if fault["service"] in names else None
        places[fault["inject_time_utc"]] = place
        print(fault["inject_time_utc"], fault["type"], fault["service"], place, names[:4])
    # The first fault was active before the first span: there is no baseline. Of the contacts service under the
    # sixth there is one request, no slower than before.
    assert places == {
        "2022-08-22 05:18:09": None,
        "2023-01-29 09:03:53": 1,
        "2023-01-29 09:21:39": 1,
        "2023-01-29 09:34:19": 2,
        "2023-01-29 10:20:10": 1,
        "2023-01-29 13:31:54": None,
        "2023-01-29 15:42:00": 1,
    }
