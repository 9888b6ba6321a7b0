#!/usr/bin/env bash
# @platformatic/kafka 2.12.1: `import` alone compiles the options' validators of every client, used or not
#
# Each options schema of admin, consumer, producer and base is given to ajv.compile at the top of its module, and the
# package has one entry that reaches all of them. A process that wants a Connection or one API call, or only an error
# class, pays for all: about a quarter of a second of CPU at each start, which a module compile cache does not take
# away, since the validators' code is generated anew. None of them is asked before a client is made.
#
# Seen: validators compiled by the import, then by making a Connection
#   by import: 38
#   by new Connection: 0
#
# Needs node >= 22 and npm. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @platformatic/kafka@2.12.1

cat >count.mjs <<'JS'
import { createRequire } from 'node:module';

// The same ajv that the package will load.
const require = createRequire(createRequire(import.meta.url).resolve('@platformatic/kafka'));
const { Ajv2020 } = require('ajv/dist/2020.js');
const compile = Ajv2020.prototype.compile;
let compiled = 0;
Ajv2020.prototype.compile = function (...args) {
  compiled += 1;
  return compile.apply(this, args);
};

const { Connection } = await import('@platformatic/kafka');
console.log(`by import: ${compiled}`);
compiled = 0;
new Connection('finding');
console.log(`by new Connection: ${compiled}`);
JS

timeout 60 node --no-warnings count.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
by import: 38
by new Connection: 0
EXPECTED
