"""Sentences, headings, numbers, adverts and file order by example, and chunks counted in tokens."""

import shutil
import zipfile
from pathlib import Path

import pytest
from cut_chunks import cut_chunks
from text_case import STEPS
from tokenizers import Tokenizer, models, pre_tokenizers
from xuxie.errors import UserError
from xuxie.files.rows import read_rows, write_rows
from xuxie.text.aligned import AlignedText
from xuxie.text.chapters import find_chapters
from xuxie.text.decode import decode
from xuxie.text.headings import parse
from xuxie.text.markup import read_html
from xuxie.text.numerals import number
from xuxie.text.sentences import sentences
from xuxie.text.source_map import Place, SourceMap
from xuxie.text.sources import Source, read_sources, reading_order
from xuxie.text.watermarks import read_patterns, remove_watermarks

ROOT = Path(__file__).parents[2]

# The bar is where one sentence ends and the next begins.
SENTENCES = [
    "雨停了。|天亮了！|谁在敲门？",
    "他说：“走吧。”|“好。”她答。",
    "“走吧。”|他想了想，又说：“快些。”她走了。",
    "宝玉道：“来了。”|黛玉笑道：“好。”众人都笑了。",
    "“走吧！”他说，“快些。”",
    '"凤姐道：“来了。”|王夫人听了道：“好。”众人都笑了。|"他走了。',
    "“你来了。坐。”他站起来。|“茶在桌上。”",
    "“走！”|“去哪里？”|“不知道。”",
    "「来！」|「好。」她说，『不』字没有出口。",
    "（他想了想。又摇摇头。）最后还是去了。|门没有关。",
    "我……我不知道。|他走了……\n|谁也没有说话",
    "他喊：“救命！\n|没有人来。",
    "第一行没有句号\n|第二行也没有\n\n|第三行",
    "他看了看表，3.5小时过去了.|再等等.",
    "真的吗？！|真的。。。|好吧",
    "Mr. Reed saw Dr. Lee at 3.14 p.m. and left. |J. K. Rowe wrote it. |Wow! |Yes?",
    '"Are you coming? It is late," she said. |"No." |He shut the door. |"Wait!" cried she.',
    "See www.example.org/a.b for more. |Some do, e.g. this one.",
]


@pytest.mark.parametrize("marked", SENTENCES)
def test_sentences(marked):
    text = marked.replace("|", "")
    assert [text[start:end] for start, end in sentences(text)] == marked.split("|")


def test_a_long_speech_is_cut_between_its_sentences():
    text = "他说：“" + "这件事说来话长。" * 60 + "”"
    spans = sentences(text)
    assert len(spans) == 60
    assert text[spans[-1][0] : spans[-1][1]] == "这件事说来话长。”"


HEADINGS = {
    "第一回": ("chapter", 1, ""),
    "第一百二十回 归结": ("chapter", 120, "归结"),
    "第120章：归结": ("chapter", 120, "归结"),
    "【第十二章】归结": ("chapter", 12, "归结"),
    "正文 第十二章 归结": ("chapter", 12, "归结"),
    "《雨夜》第十二章 归结": ("chapter", 12, "归结"),
    "第三卷 风起 第五章 云涌": ("chapter", 5, "云涌"),
    "卷三 第五章": ("chapter", 5, ""),
    "第廿三回": ("chapter", 23, ""),
    "卷三": ("volume", 3, ""),
    "第二部 归来": ("volume", 2, "归来"),
    "下卷": ("volume", 3, ""),
    "Chapter 12": ("chapter", 12, ""),
    "CHAPTER XIV. The Return": ("chapter", 14, "The Return"),
    "Part Twenty-One": ("volume", 21, ""),
    "楔子": ("prologue", None, ""),
    "序章 缘起": ("prologue", None, "缘起"),
    "番外三 那年": ("extra", 3, "那年"),
    "尾声": ("epilogue", None, ""),
    "后记": ("afterword", None, ""),
    "Epilogue": ("epilogue", None, ""),
    "一、出发": ("bare", 1, "出发"),
    "（二）": ("bare", 2, ""),
}


@pytest.mark.parametrize("line", HEADINGS)
def test_headings(line):
    heading = parse(line)
    assert (heading.kind, heading.number, heading.title) == HEADINGS[line]


@pytest.mark.parametrize(
    "line",
    [
        "第三章的时候，他走了。",
        "第一回合",
        "第一节课",
        "卷起袖子就干",
        "序言他没有看",
        "一天早上",
        "上部队去了",
        "Chapter 12 was dull.",
        "I am here.",
        "第",
    ],
)
def test_no_headings(line):
    assert parse(line) is None


NUMBERS = {
    "十": 10,
    "一百十": 110,
    "一百二": 102,
    "两百零五": 205,
    "一〇八": 108,
    "一万二千": 12000,
    "廿一": 21,
    "XLIV": 44,
    "forty-two": 42,
    "12": 12,
}


def test_numbers():
    assert {numeral: number(numeral) for numeral in NUMBERS} == NUMBERS
    assert number("") is None and number("章") is None and number("seventyteen") is None


ADVERTS = [
    "请到www.example.com阅读",
    "http://m.example.net/book/12_3.html",
    "（手机用户请到m.example.com阅读）",
    "天才一秒记住本站地址",
    "首页|书库|武侠|言情|排行",
    "上一页 下一页 返回目录",
    "（本章未完，请翻页）",
    "【求月票！求推荐票！】",
    "最快更新无弹窗小说阅读网",
    "本书由某某论坛整理提供下载",
]


@pytest.mark.parametrize("advert", ADVERTS)
def test_adverts_go(advert):
    aligned = AlignedText(f"雨停了。\n{advert}\n天亮了。\n")
    remove_watermarks(aligned, read_patterns(ROOT / "resources/watermarks.txt"))
    assert not set(aligned.text) & set("wm.票书页载站")


PROSE = [
    "他上网查了查，又给她写信，地址是问来的。",
    "首页上写着他的名字。",
    "她求他收藏这幅画，他没有答应。",
    "本章程自公布之日起施行。",
    "下一页是空白的，再下一页也是。",
    "他一秒也没有忘记。",
    "“求求你，”她说，“月票我来买。”",
]


@pytest.mark.parametrize("line", PROSE)
def test_prose_stays(line):
    aligned = AlignedText(f"雨停了。\n{line}\n")
    assert remove_watermarks(aligned, read_patterns(ROOT / "resources/watermarks.txt")).places == 0


def test_more_patterns_from_the_config():
    aligned = AlignedText("雨停了。\n云深阁首发\n天亮了。\n")
    remove_watermarks(aligned, read_patterns(ROOT / "resources/watermarks.txt", ["云深阁.*"]))
    assert aligned.text == "雨停了。\n天亮了。\n"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "no regular expression"),
        ("x*", "matches the empty text"),
        (r"(?=x)", "no regular expression"),
    ],
)
def test_bad_patterns(pattern, words):
    with pytest.raises(UserError, match=words):
        read_patterns(ROOT / "resources/watermarks.txt", [pattern])


@pytest.mark.parametrize("language", ["en", "any"])
@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("a naïve façade", "cp1252"),
        ("the café, the crème brûlée", "cp1252"),
        ("a tête-à-tête with Señor Nuñez", "cp1252"),
        ("“Señor,” she’d said — “très bien…”", "cp1252"),
        ("“It’s Zoë’s,” — à la carte, £5", "cp1252"),
        ("the Straße in Köln, 98°C", "latin-1"),
        ("a manœuvre of Acme®, DÉJÀ VU, ¡olé!", "cp1252"),
        ("“Élan,” she’d said of his naïve café…", "mac-roman"),
        ("the café and the crème of Señor Nuñez", "cp437"),
        ("“It’s hers,” she’d said — no…", "gb18030"),
        ("“No,” said 李明 in the café", "gb18030"),
        ("“It’s hers,” she’d said — no…", "big5hkscs"),
        ("“It’s Zoë’s,” — à la carte", "utf-16-le"),
    ],
)
def test_english_in_all_encodings_that_it_comes_in(words, encoding, language):
    prose = "It was late, he said, and she had not been to the town in all of her days with him. "
    text = (prose * 20 + words + ". ") * 10
    source = Source("novel.txt", text.encode(encoding), "text")
    assert decode(source, language=language).text == text


@pytest.mark.parametrize(
    "page",
    [
        "<html><head/><body><p>雨停了。</p><p>天亮了。</p></body></html>",
        "<html><head><title/></head><body><p>雨停了。</p><p>天亮了。</p></body></html>",
        "<html><head><title>雪</title><body><p>雨停了。</p><p>天亮了。</p></body></html>",
        "<html><head><script>write('<body>')</script></head><p>雨停了。</p><p>天亮了。</p></html>",
        '<p>雨停了。<script src="a.js"/></p><style media="print" /><p>天亮了。</p>',
        "<p><ruby>雨<rt/></ruby>停了。</p><p>天亮了。</p>",
        "<p><ruby>雨<rp>(<rt>yǔ<rp>)</ruby>停了。</p><p>天亮了。</p>",
        f'<p>雨停了。</p><svg><path d="{"M0 1" * 300}"/></svg><p>天亮了。</p>',
    ],
)
def test_elements_that_are_empty_or_not_closed_take_no_text_with_them(page):
    aligned = AlignedText(page)
    read_html(aligned)
    assert aligned.text.split() == ["雨停了。", "天亮了。"]


def test_files_in_reading_order():
    files = ["b/第十章.txt", "b/第2章.txt", "b/尾声.txt", "b/第一章.txt", "b/楔子.txt"]
    assert [Path(file).stem for file in reading_order(files)] == [
        "楔子",
        "第一章",
        "第2章",
        "第十章",
        "尾声",
    ]
    assert reading_order(["p10.txt", "p9.txt", "p1.txt"]) == ["p1.txt", "p9.txt", "p10.txt"]


@pytest.mark.parametrize(
    "files",
    [
        ["n/楔子.txt", "n/卷一/第1章.txt", "n/卷一/第2章.txt", "n/卷二/第1章.txt", "n/尾声.txt"],
        ["n/第二卷/001.txt", "n/第二卷/002.txt", "n/第十卷/001.txt"],
        ["2a.txt", "10a.txt", "b.txt"],
        ["n/v2/9.txt", "n/v2/10.txt", "n/v10/1.txt"],
        ["n/Volume IX/2.txt", "n/Volume X/1.txt"],
        ["雨夜（上）.txt", "雨夜（中）.txt", "雨夜（下）.txt"],
        ["上.txt", "中.txt", "下.txt"],
        ["雨夜一.txt", "雨夜二.txt", "雨夜三.txt", "雨夜十.txt"],
    ],
)
def test_files_of_volumes_and_parts_in_reading_order(files):
    assert reading_order(sorted(files)) == reading_order(sorted(files)[::-1]) == files


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.txt", "cannot be read"), ("novel.docx", "not read"), ("novel", "no suffix")],
)
def test_files_that_cannot_be_read(tmp_path, name, words):
    with pytest.raises(UserError, match=words):
        list(read_sources([str(tmp_path / name)]))


def encrypted_book(folder: Path, *names: str) -> str:
    """The EPUB of the fixtures with an encryption.xml that names these files."""
    book = shutil.copy(ROOT / "tests/fixtures/text/book.epub", folder)
    entries = "".join(
        f'<e:EncryptedData><e:CipherData><e:CipherReference URI="{name}"/></e:CipherData></e:EncryptedData>'
        for name in names
    )
    with zipfile.ZipFile(book, "a") as archive:
        archive.writestr(
            "META-INF/encryption.xml",
            '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
            f' xmlns:e="http://www.w3.org/2001/04/xmlenc#">{entries}</encryption>',
        )
    return str(book)


def test_an_epub_with_obfuscated_fonts_is_read(tmp_path):
    book = encrypted_book(tmp_path, "OEBPS/fonts/song.otf", "a.xhtml")
    plain = str(ROOT / "tests/fixtures/text/book.epub")
    assert [source.data for source in read_sources([book])] == [
        source.data for source in read_sources([plain])
    ]


@pytest.mark.parametrize("name", ["OEBPS/a.xhtml", "OEBPS/%61.xhtml"])
def test_an_epub_with_encrypted_text_is_refused(tmp_path, name):
    book = encrypted_book(tmp_path, "OEBPS/fonts/song.otf", name)
    with pytest.raises(UserError, match="the EPUB is encrypted"):
        list(read_sources([book]))


def place_of(words: str, book: Path, folder: Path) -> Place:
    """Where words of the text of a book stand in the book."""
    from normalise_text import normalise_text

    text, counts, source_map = (
        str(folder / name) for name in ("text.txt", "text.json", "map.jsonl")
    )
    patterns = str(ROOT / "resources/watermarks.txt")
    options = {
        "encoding": "auto",
        "on_bad_bytes": "error",
        "language": "zh",
        "more_watermarks": [],
        "steps": STEPS,
    }
    normalise_text(str(book), patterns, text, counts, source_map, **options)
    return SourceMap(source_map).locate(Path(text).read_text(encoding="utf-8").index(words))


@pytest.mark.parametrize("name", ["book.epub", "Oh! No!.EPUB"])
def test_a_place_in_an_epub(tmp_path, name):
    book = shutil.copy(ROOT / "tests/fixtures/text/book.epub", tmp_path / name)
    words = "日子就这样一天一天地过去了"
    place = place_of(words, book, tmp_path)
    part: Source = next(
        source for source in read_sources([str(book)]) if source.name == place.source
    )
    assert part.name.endswith("a.xhtml") and part.data[place.byte :].decode().startswith(words)


def test_a_place_in_a_file_of_a_folder_with_an_exclamation_mark(tmp_path):
    book = tmp_path / "Oh!" / "快跑!.txt"
    book.parent.mkdir()
    book.write_text("雨停了。\n天亮了。\n", encoding="utf-8")
    assert place_of("天亮", book, tmp_path) == Place(str(book), len("雨停了。\n".encode()))


def test_a_chapter_without_heading_is_named_after_its_file_or_its_part_of_an_epub():
    files = ["Oh!/第1章 快跑!.txt", "Oh!/第2章 站住!!.txt", "书!.EPUB!text/第3章 回家.xhtml"]
    text = "雨停了。"
    chapters, _ = find_chapters(
        text * len(files), files=[(at * len(text), name) for at, name in enumerate(files)]
    )
    assert [(chapter.number, chapter.title) for chapter in chapters] == [
        (1, "快跑!"),
        (2, "站住!!"),
        (3, "回家"),
    ]


def test_chunks_counted_in_tokens(tmp_path):
    vocabulary = {"[UNK]": 0} | {
        character: rank for rank, character in enumerate("雨停了天亮。", 1)
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("了", "isolated")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = "雨停了。天亮了。" * 10
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    write_rows(tmp_path / "chapters.jsonl", [{"start": 0, "end": len(text)}])
    files = [str(tmp_path / name) for name in ("text.txt", "chapters.jsonl", "chunks.jsonl")]
    cut_chunks(*files, novel="n", size=9, tokenizer=str(tmp_path / "tokenizer.json"))
    chunks = list(read_rows(files[2]))
    # 雨停, 了, 。 are three tokens: three sentences fit into nine.
    assert sorted(len(chunk["text"]) for chunk in chunks) == [8, 12, 12, 12, 12, 12, 12]
    assert "".join(chunk["text"] for chunk in chunks) == text
    assert [chunk["id"] for chunk in chunks] == [f"n-c{count:04d}" for count in range(1, 8)]
