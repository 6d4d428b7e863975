"""Results in object storage: a real S3 server on loopback, reached through Snakemake's own storage plugin."""

import importlib.util

import pytest
from workspace import jobs

KEY_ID, KEY = "store-key-id", "store-secret-7c41"


@pytest.fixture
def bucket():
    """An empty bucket, and the environment in which the plugin finds it."""
    for package in ("moto", "boto3", "snakemake_storage_plugin_s3"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: it is in envs/dev.in")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=KEY,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="novels")
    yield (
        client,
        {
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": address,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": KEY_ID,
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )
    server.stop()


def test_what_is_finished_lies_in_the_store_too(walked_copy, small_config, bucket):
    client, environment = bucket
    walked_copy.configure({**small_config, "store": "s3://novels/run-1"})
    done = walked_copy.snakemake(
        "--storage-s3-endpoint-url", environment["SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"], **environment
    )
    assert "train_adapter" not in done.stdout, "the store has changed what is made"
    stored = {entry["Key"] for entry in client.list_objects_v2(Bucket="novels")["Contents"]}
    assert {
        "run-1/report.html",
        "run-1/datasets/small/train.jsonl",
        "run-1/adapters/small/adapter_model.safetensors",
    } <= stored
    for key in stored:
        body = client.get_object(Bucket="novels", Key=key)["Body"].read()
        assert body == (walked_copy / key.replace("run-1", "results")).read_bytes()
    assert KEY not in done.stdout
    written = [
        path for path in walked_copy.folder.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    again = walked_copy.snakemake(
        "--storage-s3-endpoint-url", environment["SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"], **environment
    )
    assert "Nothing to be done" in again.stdout


def test_a_store_that_does_not_answer_is_named_and_costs_nothing(walked_copy, small_config, bucket):
    _, environment = bucket
    walked_copy.configure({**small_config, "store": "s3://novels/run-1"})
    nowhere = "http://127.0.0.1:9"
    done = walked_copy.snakemake("--storage-s3-endpoint-url", nowhere, check=False, **environment)
    assert done.returncode != 0
    assert f'Could not connect to the endpoint URL: "{nowhere}/novels/run-1/' in done.stdout
    plan = walked_copy.snakemake(
        "-n",
        "--storage-s3-endpoint-url",
        environment["SNAKEMAKE_STORAGE_S3_ENDPOINT_URL"],
        **environment,
    )
    assert set(jobs(plan.stdout)) == {
        "store_results",
        "write_report",
        "all",
        "total",
    }  # the page tells of the config
