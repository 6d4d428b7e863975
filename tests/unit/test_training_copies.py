"""What a trained adapter's folder keeps of its tokenizer."""

from xuxie.training.run import drop_copies


def test_only_the_base_models_own_files_are_dropped(tmp_path):
    adapter, model = tmp_path / "adapter", tmp_path / "hf"
    for folder in (adapter, model):
        folder.mkdir()
        (folder / "tokenizer.json").write_text("the same")
        (folder / "adapter_config.json").write_text("the same")
        (folder / "tokenizer_config.json").write_text(folder.name)
    (adapter / "chat_template.jinja").write_text("not of the model")
    drop_copies(adapter, model)
    assert sorted(path.name for path in adapter.iterdir()) == [
        "adapter_config.json",
        "chat_template.jinja",
        "tokenizer_config.json",
    ]
    assert (model / "tokenizer.json").exists()
