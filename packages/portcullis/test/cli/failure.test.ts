import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError, EXIT } from '../../src/cli/exit.ts'
import { explainFailure } from '../../src/cli/failure.ts'
import { Fault } from '../../src/core/fault.ts'
import { PkiError } from '../../src/pki/pki-error.ts'
import { PolicyError } from '../../src/policy/problem.ts'
import { StoreError } from '../../src/stores/store-error.ts'

function system(code: string, facts: object): Error {
  return Object.assign(new Error(code), { code }, facts)
}

const mend = { reason: 'bwrap was not found', mend: 'run: apt-get install bubblewrap' }

const FAILURES: readonly (readonly [thrown: unknown, status: number, says: RegExp])[] = [
  [new CommandError(EXIT.usage, 'so it is'), 2, /^so it is$/],
  [system('EADDRINUSE', { address: '127.0.0.1', port: 8443 }), 69, /^Port 8443 on 127\.0\.0\.1 is taken; .*--port/],
  [system('EACCES', { path: '/srv/state' }), 69, /^\/srv\/state may not be used by this user/],
  [system('EACCES', { port: 443 }), 69, /^Port 443 may not be opened/],
  [system('EROFS', { path: '/srv' }), 69, /cannot be written/],
  [new StoreError('newer_version', 'The store x was made by a newer Portcullis.'), 69, /newer Portcullis/],
  [new PkiError('the key x can be read by others', 'run: chmod 600 x'), 69, /chmod 600/],
  [new PolicyError([{ file: 'a', line: 1, column: 2, wrong: 'w', right: 'r' }]), 3, /^a:1:2: w; r$/],
  [new Fault('sandbox.unavailable', mend), 69, /bwrap was not found; run: apt-get install bubblewrap$/],
  [new TypeError('oops'), 70, /^internal error: TypeError: oops/],
  ['oops', 70, /^internal error: oops$/],
]

for (const [thrown, status, says] of FAILURES) {
  test(`${String(thrown)} ends with status ${status} and a sentence`, () => {
    const failure = explainFailure(thrown)
    assert.equal(failure.status, status)
    assert.match(failure.text, says)
  })
}
