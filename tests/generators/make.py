"""Prints what the official Python library can make, a document a line: every element below every other that takes it,
every attribute with every sample, and one story in several verbs. An attribute without a sample is an error, so that a
newer library does not bring more than is looked at.
"""

import inspect
import json
import sys

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

with open(sys.argv[1], encoding="utf-8") as file:
    SAMPLES = json.load(file)
MISSING = set()
SEEN = set()
OPEN = [([], [])]


def parameters(function):
    own = inspect.signature(function).parameters.values()
    return [parameter for parameter in own if parameter.name not in ("self", "kwargs")]


def build(path):
    """A document with one element inside another, and the innermost."""
    document = node = VoiceResponse()
    for method, arguments in path:
        node = getattr(node, method)(**arguments)
    return document, node


def sample(kind, *keys):
    for key in keys:
        if key in SAMPLES[kind]:
            return SAMPLES[kind][key]
    MISSING.add(f"{kind}: {keys[0]}")
    return []


def tell(path, names, attribute, value, beside=None):
    document, _ = build(path)
    line = {"path": "/".join(names), "attribute": attribute, "value": value, "beside": beside}
    print(json.dumps({**line, "xml": document.to_xml()}))


def visit(path, names):
    _, parent = build(path)
    for method, function in list(vars(type(parent)).items()):
        if method.startswith("_"):
            continue
        required = {one.name: "x" for one in parameters(function) if one.default is one.empty}
        _, node = build(path + [(method, required)])
        texts = [one.name for one in parameters(type(node).__init__)]
        content = {text: sample("content", node.name) for text in texts}
        here = names + [node.name]
        tell(path + [(method, content)], here, None, None)
        every = dict(content)
        given = {}
        for one in parameters(function):
            if one.name in texts:
                continue
            _, node = build(path + [(method, {**required, one.name: "x"})])
            (attribute,) = node.attrs
            for value in sample("values", f"{node.name}.{attribute}", attribute):
                every.setdefault(one.name, value)
                given.setdefault(attribute, []).append((one.name, value))
                tell(path + [(method, {**content, one.name: value})], here, attribute, value)
        tell(path + [(method, every)], here, "*", None)
        for attribute, companion in SAMPLES["beside"].items():
            if companion in given:
                name, value = given[companion][0]
                for own, sampled in given.get(attribute, []):
                    both = {**content, name: value, own: sampled}
                    tell(path + [(method, both)], here, attribute, sampled, companion)
        edge = (type(parent), type(node))
        if edge not in SEEN:
            SEEN.add(edge)
            within = required if node.name in SAMPLES["parentsWithoutContent"] else content
            OPEN.append((path + [(method, within)], here))


def story():
    document = VoiceResponse()
    document.pause(length=2)
    document.play(digits="ww12#")
    gather = Gather(action="/menu?a=1&b=2", method="GET", timeout=7, finish_on_key="", num_digits=4)
    gather.say("Für Deutsch <drücken> Sie die 1 & warten", voice="Polly.Vicki", language="de-DE", loop=2)
    gather.pause()
    gather.play("https://example.com/a.wav?x=1&y=2")
    document.append(gather)
    document.record(
        action="", timeout=0, finish_on_key="#*", max_length=30, play_beep=False, trim="do-not-trim",
        recording_status_callback="/recording", recording_status_callback_event=["in-progress", "completed"],
    )
    dial = Dial(action="/after", timeout=20, hangup_on_star=True, record="record-from-ringing-dual", sequential=True)
    dial.number(
        "+15551234567", send_digits="w1", url="/screen", status_callback="/status",
        status_callback_event=["initiated", "answered"], status_callback_method="GET",
    )
    dial.client("alice")
    dial.sip("sip:kate@example.com;transport=tcp?X-Id=a%20b&User-to-User=1", username="u", password="p")
    document.append(dial)
    document.reject(reason="busy")
    document.redirect("/again", method="GET")
    document.hangup()
    print(json.dumps({"path": "", "attribute": "story", "value": None, "beside": None, "xml": document.to_xml()}))


for place in OPEN:
    visit(*place)
story()
if MISSING:
    sys.exit("no sample for\n" + "\n".join(sorted(MISSING)))
