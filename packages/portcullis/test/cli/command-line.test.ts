import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandReference } from '../../src/cli/command-reference.ts'
import { faultReference } from '../../src/cli/fault-reference.ts'
import { desk } from './desk.ts'

test('a command that is none gets a suggestion and status 2', async (context) => {
  const { status, err } = await desk(context).run('serv')
  assert.equal(status, 2)
  assert.match(err.join('\n'), /unknown command 'serv'[\s\S]*Did you mean serve/)
})

test('help has status 0 and lists the exit statuses', async (context) => {
  const { status, out } = await desk(context).run('--help')
  assert.equal(status, 0)
  assert.match(out.join('\n'), /Exit status:[\s\S]*69/)
})

test('every command and every option is described', () => {
  const rows = commandReference().split('\n')
  assert(rows.filter((row) => row.startsWith('## portcullis ')).length >= 15)
  assert.deepEqual(
    rows.filter((row) => /^\| .*\|\s*\|$/.test(row)),
    [],
  )
  assert.match(faultReference(), /`policy\.denied` \| 403/)
})

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`the completion of ${shell} knows the commands`, async (context) => {
    const { status, out } = await desk(context).run('completion', shell)
    assert.equal(status, 0)
    assert.match(out.join('\n'), /validate/)
    assert.match(out.join('\n'), /overlap/)
  })
}

test('the completion of bash is sound bash and completes', async (context) => {
  const { out } = await desk(context).run('completion', 'bash')
  const ask = 'COMP_WORDS=(portcullis key r); COMP_CWORD=2; _portcullis; echo "${COMPREPLY[@]}"'
  const ran = spawnSync('bash', ['-c', `${out.join('\n')}\n${ask}`], { encoding: 'utf8' })
  assert.equal(ran.stdout.trim(), 'rotate revoke', ran.stderr)
})

test('the launcher says its version without being built', () => {
  const launcher = join(import.meta.dirname, '../../bin/portcullis.cjs')
  const ran = spawnSync(process.execPath, [launcher, '--version'], { encoding: 'utf8' })
  assert.match(ran.stdout, /^\d+\.\d+\.\d+\n$/)
})
