"""Two novels, an adapter of each on one model: whose is a passage?"""

from xuxie.files.rows import read_json, read_rows


def two_novels(config: dict) -> dict:
    """The small configuration without an LLM, with a second novel, its dataset and its adapter."""
    small = config["adapters"]["small"]
    kept = {key: config[key] for key in ("models", "sampling", "evaluation")}
    return kept | {
        "novels": {"small": {"path": "small.txt"}, "late": {"path": "late.txt"}},
        "pairs": {"generator": None},
        "datasets": {name: {"novels": [name]} for name in ("small", "late")},
        "adapters": {name: small | {"dataset": name} for name in ("small", "late")},
    }


def test_the_adapters_of_two_novels_read_each_other_s_passages(
    new_workspace, small_config, novel_text
):
    new_workspace.configure(two_novels(small_config))
    (new_workspace.folder / "late.txt").write_text(novel_text[len(novel_text) // 2 :], "utf-8")
    planned = new_workspace.snakemake("-n", "results/report.html")
    assert "attribute_passages" in planned.stdout
    new_workspace.snakemake("results/attribution/tiny.json")
    found = read_json(new_workspace.folder / "results/attribution/tiny.json")
    # The workspace writes its configuration in alphabetical order.
    names = ["late", "small"]
    assert [row["adapter"] for row in found["rows"]] == names
    for row in found["rows"]:
        passages = list(
            read_rows(
                new_workspace.folder / f"results/datasets/{row['adapter']}/exam_passages.jsonl"
            )
        )
        assert 0 < row["passages"] <= len(passages)
        assert list(row["cheapest"]) == list(row["more"]) == names
        assert sum(share["value"] for share in row["cheapest"].values()) == 1
        assert row["more"][row["adapter"]]["value"] == 0
        other = next(name for name in row["more"] if name != row["adapter"])
        assert row["more"][other]["value"] != 0


def test_with_one_novel_nothing_is_attributed(new_workspace):
    assert "attribute_passages" not in new_workspace.snakemake("-n").stdout
