import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { resolveRuntime } from '../../src/sandbox/runtime.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-runtime-')))
after(() => rmSync(directory, { recursive: true }))
const at = (name: string) => join(directory, name)
const script = (name: string, firstLine: string) => writeFileSync(at(name), `${firstLine}\n`, { mode: 0o755 })
copyFileSync('/bin/true', at('node'))
symlinkSync(at('node'), at('nodejs'))
script('env-script', '#!/usr/bin/env node')
script('env-s-script', '#!/usr/bin/env -S node --flag')
script('direct-script', '#!/bin/sh')
script('lost-script', '#!/no/such/interpreter')
writeFileSync(at('data'), 'x')
mkdirSync(at('folder'))

const path = [directory, '/usr/bin']

it('a program of the system needs nothing more', () => {
  assert.deepEqual(resolveRuntime('/bin/true', path), {
    program: realpathSync('/bin/true'),
    leading: [],
    readOnly: [],
    pathDirectories: [],
  })
})

it('a program elsewhere is shown by its real path', () => {
  assert.deepEqual(resolveRuntime('nodejs', path), {
    program: at('node'),
    leading: [],
    readOnly: [at('node')],
    pathDirectories: [directory],
  })
})

const SCRIPTS = [
  { name: 'env-script', program: at('node'), leading: [at('env-script')], readOnly: [at('node'), at('env-script')] },
  {
    name: 'env-s-script',
    program: at('node'),
    leading: ['--flag', at('env-s-script')],
    readOnly: [at('node'), at('env-s-script')],
  },
  {
    name: 'direct-script',
    program: realpathSync('/bin/sh'),
    leading: [at('direct-script')],
    readOnly: [at('direct-script')],
  },
]

for (const { name, program, leading, readOnly } of SCRIPTS) {
  it(`${name} is run by the interpreter of its first line`, () => {
    const runtime = resolveRuntime(name, path)
    assert.deepEqual([runtime.program, runtime.leading, runtime.readOnly], [program, leading, readOnly])
  })
}

for (const command of [
  '',
  'no-such',
  './node',
  '../node',
  at('data'),
  at('folder'),
  'folder',
  'lost-script',
  at('nothing'),
]) {
  it(`refuses ${JSON.stringify(command)}`, () => {
    assert.throws(() => resolveRuntime(command, path), { code: 'sandbox.start_failed' })
  })
}

it('a relative directory of the search path is not searched', () => {
  assert.throws(() => resolveRuntime('node', ['.', '']), { code: 'sandbox.start_failed' })
})
