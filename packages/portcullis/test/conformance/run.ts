// How the official conformance tool is run and read: one process per requirement set, its files parsed into checks.
// Command: node run.ts URL [REVISION…] — prints every check that is not a success, and exits 1 after a failure.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Revisions whose requirements the tool knows. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** One of {@link REVISIONS}. */
export type Revision = (typeof REVISIONS)[number]

/** One judgement of the tool; a scenario may judge the same check several times. */
export interface Judgement {
  readonly scenario: string
  readonly check: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly message?: string
}

/** What a run said: the exit status (0: every required scenario passed), all judgements, and the console text. */
export interface ConformanceRun {
  readonly exitStatus: number
  readonly judgements: readonly Judgement[]
  readonly log: string
}

type CheckFile = readonly { id: string; status: Judgement['status']; errorMessage?: string }[]

const TOOL = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist',
  'index.js',
)

/** Runs the server scenarios of `revision` against the plain HTTP endpoint `url`. */
export async function runConformance(url: string, revision: Revision): Promise<ConformanceRun> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-conformance-'))
  try {
    const { exitStatus, log } = await execute(['server', '--url', url, '--requirements', revision, '-o', folder])
    return { exitStatus, judgements: readJudgements(folder), log }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the tool needs to know of an authorization server, and who walks through the page that it wants opened. */
export interface AuthorizationTarget {
  readonly issuer: string
  readonly clientId: string
  readonly resource: string
  /** Port of the redirect `http://127.0.0.1:PORT/callback` of the client. */
  readonly port: number
  readonly caFile: string
  /** Opens the address as a person would, up to the redirect, and calls that. */
  readonly visit: (address: string) => Promise<void>
}

/** Runs the scenarios for authorization servers. */
export async function runAuthorization(target: AuthorizationTarget): Promise<ConformanceRun> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-conformance-'))
  const { issuer, clientId, resource, port, caFile, visit } = target
  const args = ['authorization', '--url', issuer, '--client-id', clientId, '--resource', resource, '-p', String(port)]
  const visited = new Set<string>()
  try {
    const { exitStatus, log } = await execute([...args, '-o', folder], { NODE_EXTRA_CA_CERTS: caFile }, (text) => {
      for (const [address] of text.matchAll(/https:\/\/\S+\/authorize\?\S+(?=\s)/g)) {
        if (!visited.has(address)) void visit(address)
        visited.add(address)
      }
    })
    return { exitStatus, judgements: readJudgements(folder), log }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The names of the scenarios in which something failed. */
export function failing(run: ConformanceRun): ReadonlySet<string> {
  return new Set(run.judgements.filter(({ status }) => status === 'FAILURE').map(({ scenario }) => scenario))
}

/** The names of all scenarios that judged anything. */
export function scenarios(run: ConformanceRun): ReadonlySet<string> {
  return new Set(run.judgements.map(({ scenario }) => scenario))
}

/** Every judgement that is not a success, one a line. */
export function complaints(run: ConformanceRun, statuses: readonly Judgement['status'][]): string {
  return run.judgements
    .filter(({ status }) => statuses.includes(status))
    .map(({ scenario, check, status, message }) => `${status} ${scenario}: ${check}: ${message ?? ''}`)
    .join('\n')
}

function execute(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  onText: (soFar: string) => void = () => {},
): Promise<{ exitStatus: number; log: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [TOOL, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      onText(Buffer.concat(chunks).toString('utf8'))
    })
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ exitStatus: code ?? 1, log: Buffer.concat(chunks).toString('utf8') }))
  })
}

/** Reads `<kind>-<scenario>-<ISO time>/checks.json` of every scenario. */
function readJudgements(folder: string): readonly Judgement[] {
  return readdirSync(folder).flatMap((entry) => {
    const scenario = entry.replace(/^(?:authorization-server|server)-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '')
    const checks = JSON.parse(readFileSync(join(folder, entry, 'checks.json'), 'utf8')) as CheckFile
    return checks.map(({ id, status, errorMessage }) => ({
      scenario,
      check: id,
      status,
      ...(errorMessage !== undefined && { message: errorMessage }),
    }))
  })
}

if (import.meta.main) {
  const [url = '', ...asked] = process.argv.slice(2)
  const revisions = REVISIONS.filter((revision) => asked.length === 0 || asked.includes(revision))
  for (const revision of revisions) {
    const run = await runConformance(url, revision)
    const failed = failing(run)
    process.stdout.write(`${complaints(run, ['FAILURE', 'WARNING'])}\n`)
    process.stdout.write(`${revision}: ${scenarios(run).size - failed.size} scenarios pass, ${failed.size} fail\n`)
    if (failed.size > 0) process.exitCode = 1
  }
}
