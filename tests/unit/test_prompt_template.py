"""A user's own prompt template is refused by its file before it is asked with."""

import pytest
from xuxie.errors import UserError
from xuxie.pairs.templates import OF_GENERATOR, Templates
from xuxie.prompts.template import read_prompt, read_template


def test_a_template_has_what_it_needs_and_a_dollar_is_written_twice(tmp_path):
    file = tmp_path / "t.txt"
    file.write_text("\ufeff每对 $$5：${passage} $more\n", encoding="utf-8")
    template = read_template(file, ["passage"], ["more", "other"])
    assert template.substitute(passage="他来了。", more="", other="") == "每对 $5：他来了。 "
    assert read_prompt(file) == "每对 $$5：${passage} $more"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("每对 $5：$passage", r"\$ .* followed by no name"),
        ("请选。", r"\$passage does not stand"),
        ("$passage $pasage", r"names \$pasage"),
    ],
)
def test_one_that_cannot_be_asked_with_is_refused_by_its_file(tmp_path, text, words):
    file = tmp_path / "t.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"{words}(?s:.*)t\.txt(?s:.*)\$\$"):
        read_template(file, ["passage"])


def test_one_that_is_no_utf_8_or_is_not_there_is_refused(tmp_path):
    file = tmp_path / "t.txt"
    file.write_bytes("请选。$passage".encode("gb18030"))
    with pytest.raises(UserError, match="UTF-8"):
        read_template(file, ["passage"])
    with pytest.raises(UserError, match="No such file"):
        read_template(tmp_path / "none.txt", ["passage"])


@pytest.mark.parametrize("mode", list(OF_GENERATOR))
def test_a_generator_is_never_asked_without_its_passage(tmp_path, mode):
    system, task, slot = (tmp_path / f"{name}.txt" for name in OF_GENERATOR[mode])
    system.write_text("你读小说，收 $5。", encoding="utf-8")
    slot.write_text("$slot $cuts", encoding="utf-8")
    task.write_text("请选。$slots", encoding="utf-8")
    with pytest.raises(UserError, match=task.name):
        Templates.read([system, task, slot])
    task.write_text("请选。$slots $passage", encoding="utf-8")
    assert Templates.read([system, task, slot]).system == "你读小说，收 $5。"
