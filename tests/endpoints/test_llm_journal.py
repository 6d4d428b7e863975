import errno
import os
import resource
import shutil
import time
import zlib

import manage_journal
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.errors import UserError
from xuxie.llm import journal as journal_module
from xuxie.llm import segments, upkeep
from xuxie.llm.journal import Journal, entry_of
from xuxie.llm.journal_index import Index


def key(number: int) -> str:
    return f"{number:032x}"


def entry(number: int, tokens=(10, 4, 2), cost=0.5, **rest) -> dict:
    return entry_of(key(number), "m", tokens, cost, reply={"content": f"answer {number}"}, **rest)


def fill(folder, *numbers: int) -> None:
    with Journal(folder) as journal:
        journal.append([entry(number) for number in numbers])


def only_segment(folder):
    [path] = folder.glob("*.jsonl")
    return path


def test_an_entry_comes_back_whole_from_another_process(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([entry(1), entry(2, question="第二")])
        assert journal.get(key(1))["reply"] == {"content": "answer 1"}
    with Journal(tmp_path) as journal:
        assert journal.get(key(2))["question"] == "第二"
        assert journal.get(key(3)) is None
        assert len(journal) == 2
        assert (
            journal.spent.input,
            journal.spent.cached,
            journal.spent.output,
            journal.spent.cost,
            journal.spent.calls,
        ) == (
            20,
            8,
            4,
            1.0,
            2,
        )


@given(st.text(), st.text(alphabet=st.characters(categories=["Cs", "Zl", "Zp", "Cc"])))
def test_any_text_makes_one_line_and_comes_back(text, odd):
    line = segments.encode(entry(1, said=text + odd))
    assert line.count(b"\n") == 1 and segments.head(line)[0].hex() == key(1)
    assert segments.decode(line)["said"] == text + odd


def test_a_tail_torn_at_any_byte_costs_only_itself(tmp_path):
    fill(tmp_path, 1, 2, 3)
    path = only_segment(tmp_path)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for cut in range(last, len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(tmp_path) as journal:
            assert journal.get(key(2)) is not None
            assert journal.get(key(3)) is None
            assert journal.damaged == 0
    # the next job writes elsewhere, and the answer that is asked again is found
    fill(tmp_path, 3)
    with Journal(tmp_path) as journal:
        assert [journal.get(key(n))["reply"]["content"] for n in (1, 2, 3)] == [
            "answer 1",
            "answer 2",
            "answer 3",
        ]
    assert upkeep.verify(tmp_path).torn == [str(path)]


def test_a_changed_byte_is_noticed_and_costs_one_entry(tmp_path, caplog):
    fill(tmp_path, 1, 2, 3)
    path = only_segment(tmp_path)
    data = bytearray(path.read_bytes())
    place = data.index(b"answer 2")
    data[place] ^= 1
    path.write_bytes(data)
    with Journal(tmp_path) as journal:
        assert (
            journal.get(key(1)) is not None
            and journal.get(key(2)) is None
            and journal.get(key(3)) is not None
        )
        journal.append([entry(2)])
    assert "damaged line" in caplog.text
    with Journal(tmp_path) as journal:
        assert journal.get(key(2))["reply"]["content"] == "answer 2"
    found = upkeep.verify(tmp_path)
    assert found.entries == 3 and len(found.damaged) == 1
    assert manage_journal.main(["verify", str(tmp_path)]) == 1


def test_the_first_of_two_answers_stays_and_both_are_counted(tmp_path):
    with Journal(tmp_path) as one, Journal(tmp_path) as other:
        one.append([entry(1)])
        other.append([{**entry(1), "reply": {"content": "later"}}])
        first = one.get(key(1))["reply"]["content"]
    with Journal(tmp_path) as journal:
        assert journal.spent.calls == 2
        kept = journal.get(key(1))["reply"]["content"]
    upkeep.compact(tmp_path)
    with Journal(tmp_path) as journal:
        assert journal.get(key(1))["reply"]["content"] == kept
        assert journal.spent.calls == 2
    assert first == "answer 1"


def _write(folder, first):
    with Journal(folder) as journal:
        for number in range(first, first + 100):
            journal.append([entry(number)])


def test_writers_at_the_same_time_never_meet(tmp_path, forked):
    writers = [forked.Process(target=_write, args=(tmp_path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    with Journal(tmp_path) as reader:
        while any(writer.is_alive() for writer in writers):
            reader.refresh()
            assert reader.damaged == 0
            time.sleep(0.001)
        reader.refresh()
        assert len(reader) == 300 and reader.spent.calls == 300
        assert all(reader.get(key(n))["reply"]["content"] == f"answer {n}" for n in range(300))
    assert len(list(tmp_path.glob("*.jsonl"))) == 3


def test_a_full_disk_stops_the_job_and_harms_nothing(tmp_path, monkeypatch):
    with Journal(tmp_path) as journal:
        journal.append([entry(1)])
        write = os.write

        def half(file, data):
            write(file, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", half)
        monkeypatch.setattr(journal_module, "_ROOM_MAY_COME", 0.0)
        with pytest.raises(UserError, match="No space left"):
            journal.append([entry(2)])
        monkeypatch.setattr(os, "write", write)
        journal.append([entry(3)])
    with Journal(tmp_path) as journal:
        assert (
            journal.get(key(1)) is not None
            and journal.get(key(2)) is None
            and journal.get(key(3)) is not None
        )
        assert journal.damaged == 0


def test_an_answer_waits_until_a_full_disk_has_room(tmp_path, monkeypatch):
    with Journal(tmp_path) as journal:
        journal.append([entry(1)])
        write, tries = os.write, []

        def full_for_a_while(file, data):
            tries.append(file)
            if len(tries) > 3:
                return write(file, data)
            write(file, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", full_for_a_while)
        monkeypatch.setattr(journal_module, "_LOOK_FOR_ROOM", 0.0)
        journal.append([entry(2)])
        monkeypatch.setattr(os, "write", write)
        journal.append([entry(3)])
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    with Journal(tmp_path) as journal:
        assert [journal.get(key(number)) is not None for number in (1, 2, 3)] == [True] * 3
    found = upkeep.verify(tmp_path)
    assert found.entries == 3 and not found.damaged and not found.torn


def many_segments(folder, count: int) -> None:
    for number in range(count):
        fill(folder, number)


def test_a_job_reads_no_segment_that_an_index_covers(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_SEGMENTS_AT_ONCE", 70)
    many_segments(tmp_path, 70)
    with Journal(tmp_path):
        pass
    assert len(list(tmp_path.glob("*.index"))) == 1
    fill(tmp_path, 70)
    read = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            journal_module,
            "lines",
            lambda path, start: read.append(path) or segments.lines(path, start),
        )
        with Journal(tmp_path) as journal:
            assert len(read) == 1, "finished segments were read again"
            assert len(journal) == 71 and journal.spent.calls == 71
            assert all(
                journal.get(key(number))["reply"]["content"] == f"answer {number}"
                for number in range(71)
            )
            assert journal.get(key(99)) is None


def test_index_files_are_merged_and_follow_a_compaction(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_SEGMENTS_AT_ONCE", 3)
    monkeypatch.setattr(journal_module, "_INDEX_FILES", 3)
    for number in range(40):
        fill(tmp_path, number)
        with Journal(tmp_path) as journal:
            assert len(journal) == number + 1 and journal.spent.calls == number + 1
            assert journal.get(key(number // 2))["reply"]["content"] == f"answer {number // 2}"
    assert 1 <= len(list(tmp_path.glob("*.index"))) <= 4
    upkeep.compact(tmp_path)
    with Journal(tmp_path) as journal:
        assert len(journal) == 40 and journal.spent.calls == 40
        assert journal.get(key(7))["reply"]["content"] == "answer 7"
    assert not list(tmp_path.glob("*.index")), "an index of files that are gone"


@pytest.mark.parametrize("harm", [b"", b"{}\n", b"\xff" * 300])
def test_a_damaged_index_is_made_again(tmp_path, harm):
    many_segments(tmp_path, 70)
    with Journal(tmp_path):
        pass
    [index] = tmp_path.glob("*.index")
    index.write_bytes(harm)
    with Journal(tmp_path) as journal:
        assert len(journal) == 70 and journal.spent.calls == 70
    [again] = tmp_path.glob("*.index")
    assert again != index


def test_an_index_of_segments_that_have_grown_since_is_made_again(tmp_path):
    """As by two joins of a journal that a job still writes to."""
    many_segments(tmp_path / "theirs", 70)
    with Journal(tmp_path / "theirs") as job:
        job.append([entry(100)])
        upkeep.join(tmp_path / "ours", [tmp_path / "theirs"])
        with Journal(tmp_path / "ours"):
            pass
        [index] = (tmp_path / "ours").glob("*.index")
        job.append([entry(101)])
        assert upkeep.join(tmp_path / "ours", [tmp_path / "theirs"]) == 1
    for _ in range(2):
        with Journal(tmp_path / "ours") as journal:
            assert journal.get(key(101)) is not None
            assert len(journal) == 72 and journal.spent.calls == 72
    [again] = (tmp_path / "ours").glob("*.index")
    assert again != index


def test_an_index_of_segments_that_have_become_shorter_is_made_again(tmp_path):
    many_segments(tmp_path, 70)
    with Journal(tmp_path) as journal:
        os.truncate(sorted(tmp_path.glob("*.jsonl"))[5], 10)
        assert sum(journal.get(key(number)) is not None for number in range(70)) == 69
    with Journal(tmp_path) as journal:
        assert len(journal) == journal.spent.calls == 69


def test_a_segment_that_is_replaced_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_SEGMENTS_AT_ONCE", 5)
    many_segments(tmp_path, 5)
    longer = segments.encode(entry(100))

    def read(path, start):
        yield from segments.lines(path, start)
        if path == min(tmp_path.glob("*.jsonl")) and longer not in path.read_bytes():
            path.write_bytes(path.read_bytes() + longer)

    monkeypatch.setattr(journal_module, "lines", read)
    with Journal(tmp_path) as journal:
        assert journal.get(key(100)) is not None


def test_a_journal_that_nobody_may_write_to_needs_no_index(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(journal_module.index_files, "write", refused)
    many_segments(tmp_path, 70)
    with Journal(tmp_path) as journal:
        assert len(journal) == 70


def test_compaction_keeps_every_entry_in_one_file_and_spares_a_writer(tmp_path):
    for number in range(5):
        fill(tmp_path, number)
    with Journal(tmp_path) as writer, Journal(tmp_path) as reader:
        writer.append([entry(7)])
        assert upkeep.compact(tmp_path) == (6, 2)
        writer.append([entry(8)])
        # a job that knew the old files goes on
        assert reader.get(key(3))["reply"]["content"] == "answer 3"
        reader.refresh()
        assert len(reader) == 7 and reader.spent.calls == 7
    assert upkeep.compact(tmp_path) == (2, 1)
    with Journal(tmp_path) as journal:
        assert len(journal) == 7 and journal.spent.calls == 7


@pytest.fixture
def few_files():
    """No more than 256 files may be open, as is usual on macOS."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_more_segments_than_files_may_be_open_are_looked_after(tmp_path, few_files):
    many_segments(tmp_path, 301)
    before = upkeep.stats(tmp_path).spent["m"]
    assert upkeep.forget_failures(tmp_path) == (0, 0)
    assert upkeep.compact(tmp_path) == (301, 1)
    assert upkeep.stats(tmp_path).spent["m"] == before
    with Journal(tmp_path) as journal:
        assert len(journal) == 301


def test_a_killed_compaction_counts_nothing_twice(tmp_path, monkeypatch):
    for number in range(3):
        fill(tmp_path, number)

    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(upkeep.Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        upkeep.compact(tmp_path)
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.jsonl"))) == 4
    with Journal(tmp_path) as journal:
        assert len(journal) == 3 and journal.spent.calls == 3
    upkeep.compact(tmp_path)
    assert upkeep.verify(tmp_path).entries == 3


@pytest.mark.parametrize("name", ["sent.jsonl", "sent.jsonl.gz"])
def test_a_colleague_gets_the_answers_and_not_the_bill(tmp_path, name, capsys):
    fill(tmp_path / "mine", 1, 2)
    fill(tmp_path / "theirs", 2)
    assert manage_journal.main(["export", str(tmp_path / "mine"), str(tmp_path / name)]) == 0
    assert manage_journal.main(["import", str(tmp_path / "theirs"), str(tmp_path / name)]) == 0
    with Journal(tmp_path / "theirs") as journal:
        assert journal.get(key(1))["reply"]["content"] == "answer 1"
        assert journal.spent.calls == 1
    assert upkeep.import_(tmp_path / name, tmp_path / "theirs") == 0
    assert manage_journal.main(["stats", str(tmp_path / "theirs")]) == 0
    assert "(imported): " in capsys.readouterr().out


def test_a_damaged_export_is_refused_whole(tmp_path):
    fill(tmp_path / "mine", 1, 2)
    upkeep.export(tmp_path / "mine", tmp_path / "sent.jsonl")
    data = (tmp_path / "sent.jsonl").read_bytes()
    (tmp_path / "sent.jsonl").write_bytes(data[:-20])
    with pytest.raises(UserError, match="line 2"):
        upkeep.import_(tmp_path / "sent.jsonl", tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()


def test_a_folder_without_a_journal_is_said_to_be_one(tmp_path, capsys):
    assert manage_journal.main(["stats", str(tmp_path / "nowhere")]) == 1
    assert "there is no journal" in capsys.readouterr().err


def _line(text: str) -> bytes:
    body = text.encode()
    return body + b',"check":"%08x"}\n' % zlib.crc32(body)


@pytest.mark.parametrize(
    "odd",
    [
        '{"key":"%s","usage":[10.0,0,5],"cost":0.1,"at":"t","model":"m","reply":{"content":"a"}',
        '{"key":"%s","usage":"many","cost":null,"at":"t","model":"m","reply":{"content":"a"}',
        '{"key":"%s","reply":{"content":"a"}',
        '{"key":"short","usage":[1,0,1],"cost":0,"reply":{}',
        '{"no key at all":1',
    ],
)
def test_a_line_of_any_kind_stops_no_reader(tmp_path, odd):
    """Such as an earlier release wrote when a provider counted in floats."""
    fill(tmp_path, 1)
    text = odd % key(7) if "%s" in odd else odd
    with only_segment(tmp_path).open("ab") as file:
        file.write(_line(text))
    with Journal(tmp_path) as journal:
        assert journal.get(key(1)) is not None
        if "%s" in odd:
            assert journal.get(key(7))["reply"]["content"] == "a"
    for command in ("stats", "verify", "compact", "forget-failures"):
        assert manage_journal.main([command, str(tmp_path)]) in (0, 1)
    with Journal(tmp_path) as journal:
        assert journal.get(key(1)) is not None


def test_an_entry_takes_counts_of_any_kind(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append([entry(1, tokens=(10.0, None, "7"), cost=float("nan"))])
    with Journal(tmp_path) as journal:
        assert (journal.spent.input, journal.spent.output, journal.spent.cost) == (10, 7, 0.0)


def test_compaction_never_takes_a_segment_that_is_about_to_be_written(tmp_path, monkeypatch):
    """Compactions at every step of another process's opening of a segment."""
    fill(tmp_path, 1)
    fill(tmp_path, 2)

    def compacting(step):
        def compact_before(*given, **more):
            upkeep.compact(tmp_path)
            result = step(*given, **more)
            upkeep.compact(tmp_path)
            return result

        return compact_before

    with Journal(tmp_path) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(segments, "in_use", compacting(segments.in_use))
            patch.setattr(segments.os, "rename", compacting(os.rename))
            writer.append([entry(3)])
        upkeep.compact(tmp_path)
        writer.append([entry(4)])
    with Journal(tmp_path) as journal:
        assert all(journal.get(key(number)) is not None for number in (1, 2, 3, 4))


def test_compaction_spares_what_a_job_on_another_node_may_write_to(tmp_path, monkeypatch):
    """Not every network file system shows a lock that another node holds."""
    fill(tmp_path, 1)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(segments, "_HOST", "another")
        writer = Journal(tmp_path)
        writer.append([entry(2)])
    monkeypatch.setattr(upkeep, "in_use", lambda file: False)
    fill(tmp_path, 3)
    assert upkeep.compact(tmp_path) == (3, 2)
    writer.append([entry(4)])
    writer.__exit__()
    long_ago = time.time() - 2 * segments._SURELY_LEFT
    for path in tmp_path.glob("*-another-*"):
        os.utime(path, (long_ago, long_ago))
    assert upkeep.compact(tmp_path) == (2, 1)
    with Journal(tmp_path) as journal:
        assert all(journal.get(key(number)) is not None for number in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("host", "name", "ours"),
    [
        ("gpu", "20250101T000000-gpu-77-00000000.jsonl", True),
        ("gpu-2", "20250101T000000-gpu-2-77-00000000.jsonl", True),
        ("gpu", "imported-20250101T000000-gpu-77-00000000-compacted-0a1b2c3d.jsonl", True),
        ("gpu", "20250101T000000-gpu-2-77-00000000.jsonl", False),
        ("2", "20250101T000000-gpu-2-77-00000000.jsonl", False),
    ],
)
def test_whose_a_segment_is(tmp_path, monkeypatch, host, name, ours):
    monkeypatch.setattr(segments, "_HOST", host)
    with (tmp_path / name).open("wb") as file:
        assert segments.is_left(tmp_path / name, file.fileno()) == ours


def test_who_was_silent_for_long_begins_a_new_segment(tmp_path, monkeypatch):
    """By then others may take the old one for finished."""
    assert segments._LEAVES < segments._SURELY_LEFT
    with Journal(tmp_path) as journal:
        journal.append([entry(1)])
        journal.append([entry(2)])
        assert len(list(tmp_path.glob("*.jsonl"))) == 1
        monkeypatch.setattr(segments, "_LEAVES", -1.0)
        journal.append([entry(3)])
        assert len(list(tmp_path.glob("*.jsonl"))) == 2
        assert all(journal.get(key(number)) is not None for number in (1, 2, 3))


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 2**60)), max_size=3000))
def test_an_index_is_a_dict(pairs):
    index, expected = Index(), {}
    for number, value in pairs:
        found = number.to_bytes(16, "little" if number % 2 else "big")
        index.put(found, value)
        expected[found] = value
    assert len(index) == len(expected)
    assert all(index.get(found) == value for found, value in expected.items())
    assert index.get(b"\xff" * 16) is None


def test_what_is_joined_again_after_a_compaction_is_counted_once(tmp_path):
    failure = {"error": {"reason": "refused", "message": "no"}}
    fill(tmp_path / "theirs", 1)
    with Journal(tmp_path / "theirs") as journal:
        journal.append([entry_of(key(2), "m", (10, 0, 0), 0.5, reply=failure)])
    for _ in range(2):
        upkeep.join(tmp_path / "ours", [tmp_path / "theirs"])
        found = upkeep.stats(tmp_path / "ours")
        spent = found.spent["m"]
        assert (spent.calls, spent.input, spent.cost, found.failures) == (2, 20, 1.0, 1)
        upkeep.compact(tmp_path / "ours")


@pytest.mark.parametrize("running", [True, False])
def test_joining_an_older_copy_takes_nothing_away(tmp_path, running):
    with Journal(tmp_path / "ours") as job:
        job.append([entry(1)])
        shutil.copytree(tmp_path / "ours", tmp_path / "copy")
        job.append([entry(2)])
        if running:
            assert upkeep.join(tmp_path / "ours", [tmp_path / "copy"]) == 0
            job.append([entry(3)])
    expected = 3 if running else 2
    assert upkeep.join(tmp_path / "ours", [tmp_path / "copy"]) == 0
    assert upkeep.verify(tmp_path / "ours").entries == expected
    assert upkeep.join(tmp_path / "copy", [tmp_path / "ours"]) == 1, "the newer one is taken"
    assert upkeep.verify(tmp_path / "copy").entries == expected


@pytest.mark.parametrize(
    "words", [("import", "no such file.gz"), ("export", "no such folder/it.gz")]
)
def test_a_file_that_is_not_there_is_named_and_no_fault_of_ours(tmp_path, capsys, words):
    command, name = words
    fill(tmp_path, 1)
    assert manage_journal.main([command, str(tmp_path), str(tmp_path / name)]) == 1
    assert "no such" in capsys.readouterr().err


def test_forgotten_failures_are_gone_and_answers_stay(tmp_path, capsys):
    failure = {"error": {"reason": "refused", "message": "no"}}
    with Journal(tmp_path) as journal:
        journal.append([entry(1), entry_of(key(2), "m", reply=failure)])
    with Journal(tmp_path) as running:
        running.append([entry_of(key(3), "m", reply=failure)])
        assert manage_journal.main(["forget-failures", str(tmp_path)]) == 0
        said = capsys.readouterr().out
        assert "1 recorded failures" in said and "1 files of running jobs" in said
        assert running.get(key(1)) is not None and running.get(key(2)) is None
    assert upkeep.stats(tmp_path).failures == 1
    assert upkeep.forget_failures(tmp_path) == (1, 0)
    with Journal(tmp_path) as journal:
        assert journal.get(key(1)) is not None and len(journal) == 1


def test_a_look_at_a_journal_opens_only_what_may_have_grown(tmp_path, monkeypatch):
    for number in range(20):
        fill(tmp_path, number)
    long_ago = time.time() - 10
    os.utime(tmp_path, (long_ago, long_ago))
    with Journal(tmp_path) as reader, Journal(tmp_path) as writer:
        opened = []
        read = journal_module.lines
        monkeypatch.setattr(
            journal_module, "lines", lambda path, at: opened.append(path) or read(path, at)
        )
        reader.refresh()
        assert opened == []
        writer.append([entry(50)])
        reader.refresh()
        assert len(opened) == 1 and reader.get(key(50)) is not None
        writer.append([entry(51)])
        reader.refresh()
        assert len(opened) == 2 and reader.get(key(51)) is not None


def test_more_segments_than_files_can_be_open_are_read(tmp_path):
    for number in range(journal_module._OPEN_FILES + 10):
        fill(tmp_path, number)
    with Journal(tmp_path) as journal:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(2):
            for number in range(journal_module._OPEN_FILES + 10):
                assert journal.get(key(number))["reply"]["content"] == f"answer {number}"
        assert len(os.listdir("/proc/self/fd")) - before <= journal_module._OPEN_FILES
