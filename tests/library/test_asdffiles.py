"""ASDF files as raw trees."""

import io

import asdf
import numpy as np
import pytest

from jwcal import asdffiles
from jwcal.asdffiles import TaggedDict, TaggedList, TaggedText
from jwcal.errors import JwcalError

UNIT = "tag:stsci.edu:asdf/unit/unit-1.0.0"


def write_with_asdf(tree, **settings):
    file = asdf.AsdfFile(tree)
    buffer = io.BytesIO()
    file.write_to(buffer, **settings)
    return buffer.getvalue()


def test_tree_survives_writing_and_reading():
    tree = {
        "numbers": [1, 2.5, -1e-05, float("inf"), True, None],
        "text": "yes",
        "unit": TaggedText("deg", tag=UNIT),
        "list": TaggedList([1, 2], tag="tag:example.org:list-1.0.0"),
        "node": TaggedDict({"a": {"b": 1}}, tag="tag:example.org:node-2.0.1"),
        "array": np.arange(6.0).reshape(2, 3),
        "texts": np.array(["ab", "c"]),
        "scalars": [np.float32(0.5), np.int64(3), np.bool_(True)],
    }
    result = asdffiles.decode(asdffiles.encode(tree))
    for name in ("numbers", "text", "unit", "list", "node", "scalars"):
        assert result[name] == tree[name]
        assert getattr(result[name], "tag", None) == getattr(tree[name], "tag", None)
    for name in ("array", "texts"):
        assert result[name].dtype == tree[name].dtype
        np.testing.assert_array_equal(result[name], tree[name])


def test_same_content_gives_same_bytes():
    def tree():
        return {"a": [1.1, {"b": np.arange(3)}], "c": TaggedText("s", tag=UNIT)}

    assert asdffiles.encode(tree()) == asdffiles.encode(tree())
    content = asdffiles.encode(tree())
    again = asdffiles.decode(content)
    del again["asdf_library"]
    assert asdffiles.encode(again) == content


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i2", "u4", "<i8", ">f4", "f8", "c16", "?", "S3", "U4", "i4,f8"])
def test_asdf_reads_what_we_write(dtype):
    array = np.zeros((2, 3), dtype)
    array[1, 2] = np.ones((), dtype)
    with asdf.open(io.BytesIO(asdffiles.encode({"array": array})), lazy_load=False, memmap=False) as file:
        np.testing.assert_array_equal(np.asarray(file["array"]), array)


@pytest.mark.parametrize("settings", [{}, {"all_array_storage": "inline"}, {"all_array_compression": "zlib"},
                                      {"all_array_compression": "bzp2"}])  # fmt: skip
def test_we_read_what_asdf_writes(settings):
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.arange(5, dtype=">i4")}
    arrays["c"] = arrays["a"][:, 1:3]
    result = asdffiles.decode(write_with_asdf(arrays, **settings))
    for name, array in arrays.items():
        np.testing.assert_array_equal(result[name], array)


def test_node_that_refers_back_to_its_parent():
    node = TaggedDict({"value": 1}, tag="tag:example.org:node-1.0.0")
    node["inverse"] = {"inverse": node}
    result = asdffiles.decode(asdffiles.encode({"node": node}))["node"]
    assert result["inverse"]["inverse"] is result


def test_array_elsewhere_stays_a_node():
    tree = {"data": TaggedDict({"source": "fits:SCI,1", "datatype": "float32", "shape": [2]}, tag="")}
    tree["data"].tag = asdffiles.STANDARD_PREFIX + "core/ndarray-1.1.0"
    assert asdffiles.decode(asdffiles.encode(tree))["data"]["source"] == "fits:SCI,1"


def test_kind_and_version():
    node = TaggedDict(tag="tag:stsci.edu:asdf/transform/compose-1.10.0")
    assert (asdffiles.kind(node), asdffiles.version(node)) == ("compose", (1, 10, 0))
    assert asdffiles.kind({}) == ""


@pytest.mark.parametrize("content", [b"", b"SIMPLE  = T", b"#ASDF 1.0.0\n--- [1, 2", b"#ASDF 1.0.0\n--- !x {a: *b}\n"])
def test_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.asdf"
    path.write_bytes(content)
    with pytest.raises(JwcalError, match=r"broken\.asdf: not a") as caught:
        asdffiles.read(path)
    assert "\n" not in str(caught.value)


def test_truncated_block_is_an_error(tmp_path):
    path = tmp_path / "cut.asdf"
    path.write_bytes(asdffiles.encode({"a": np.arange(100.0)})[:-80])
    with pytest.raises(JwcalError, match=r"cut\.asdf"):
        asdffiles.read(path)


def test_absent_file():
    with pytest.raises(JwcalError, match="cannot be read"):
        asdffiles.read("absent.asdf")


def test_real_references_are_read_and_written_back(real_data):
    for path in sorted((real_data / "references").glob("*/*.asdf")):
        tree = asdffiles.read(path)
        for name in ("asdf_library", "history"):
            tree.pop(name, None)
        content = asdffiles.encode(tree)
        again = asdffiles.decode(content)
        del again["asdf_library"]
        assert asdffiles.encode(again) == content, path.name
