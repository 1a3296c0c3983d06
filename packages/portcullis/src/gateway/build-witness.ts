/** Configuration to witnesses: files, repositories, services and time stamps that keep where the chains stood. Loaded only where some are configured. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Logger } from '../audit/log.ts'
import { openAppendFile } from '../audit/append-file.ts'
import { fileWitness, mustLieApart, WitnessError } from '../audit/witness/file-witness.ts'
import { gitWitness, type RunGit } from '../audit/witness/git-witness.ts'
import { httpsWitness } from '../audit/witness/https-witness.ts'
import { type Stamp, timeStampWitness } from '../audit/witness/time-stamp-witness.ts'
import type { Witness } from '../audit/witness/witness.ts'
import { Witnesses } from '../audit/witness/witnesses.ts'
import type { Environment } from '../config/environment.ts'
import type { Config, WitnessConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { type GuardedFetch, guardedFetch } from '../core/guarded-fetch.ts'
import type { Prover } from '../core/tls-agent.ts'
import { asNonce, timeStampRequest, TimeStampRefused, tokenOf, verifyTimeStamp } from '../pki/time-stamp.ts'
import { readPublic } from '../pki/private-file.ts'
import { Anchors } from '../pki/validation/anchors.ts'
import { askTool, findTool } from '../sandbox/child.ts'
import { trusting } from './trusted-server.ts'

export interface WitnessParts {
  readonly config: Pick<Config, 'audit'>
  readonly layout: Pick<StateLayout, 'audit'>
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly prover: Prover
}

const MAX_ANSWER_BYTES = 65_536
const NONCE_BYTES = 16
/** What a time stamping authority may be off before its clock, or ours, is wrong. */
const MAX_SKEW_MS = 300_000
/** Enough for the positions of years. */
const MAX_GIT_BYTES = 256 * 1_048_576

/** Throws WitnessError for one that cannot serve as such, and SecretError. */
export function buildWitnesses(parts: WitnessParts): Witnesses {
  const { config, clock, log } = parts
  const entries = Object.entries(config.audit.witness).map(([name, one]) => ({
    name,
    witness: witnessOf(name, one, parts),
    deadlineMs: one.deadlineSeconds * 1_000,
    required: one.required ? { maxLagMs: one.maxLagSeconds * 1_000, maxLagRecords: one.maxLagRecords } : undefined,
  }))
  return new Witnesses(entries, {
    clock,
    onProblem: (witness, error) =>
      error === undefined
        ? log.info('a witness of the audit chains is up to date again', { witness })
        : log.error('a witness of the audit chains could not be told', { witness, error }),
  })
}

function witnessOf(name: string, config: WitnessConfig, parts: WitnessParts): Witness {
  const { file, git, https, timestamp } = config
  const apart = (kind: string, path: string, sameDevice: 'allowed' | undefined) => {
    if (sameDevice === undefined) mustLieApart(path, parts.layout.audit, `audit.witness.${name}.${kind}.sameDevice`)
  }
  if (file !== undefined) {
    apart('file', file.path, file.sameDevice)
    return fileWitness({ path: file.path, openFile: openAppendFile })
  }
  if (git !== undefined) {
    // What is pushed is elsewhere, wherever the repository is.
    if (git.remote === undefined) apart('git', git.repository, git.sameDevice)
    return gitWitness({ ...git, run: gitIn(git.repository, config.deadlineSeconds * 1_000) })
  }
  if (https !== undefined) return serviceOf(name, https, config, parts)
  if (timestamp === undefined) throw new WitnessError(`audit.witness.${name} names no witness`)
  apart('timestamp', timestamp.path, timestamp.sameDevice)
  const stamp = stampOf(name, timestamp, config, parts)
  return timeStampWitness({ stamp, path: timestamp.path, openFile: openAppendFile })
}

function serviceOf(
  name: string,
  https: NonNullable<WitnessConfig['https']>,
  { deadlineSeconds }: WitnessConfig,
  { environment, prover }: WitnessParts,
): Witness {
  const plaintext = https.plaintext !== undefined
  const headers = () =>
    Object.fromEntries(
      Object.entries(https.headers).map(([header, source]) => [header, readSecret(source, environment).reveal()]),
    )
  headers()
  return httpsWitness({ url: https.url, fetch: fetchOf(name, https, deadlineSeconds, { plaintext, prover }), headers })
}

function fetchOf(
  name: string,
  { ca, privateNetworks }: { readonly ca?: string; readonly privateNetworks: readonly string[] },
  deadlineSeconds: number,
  { prover, ...more }: { readonly plaintext?: boolean; readonly signed?: boolean; readonly prover: Prover },
): GuardedFetch {
  return guardedFetch({
    ...more,
    ...trusting(prover, `audit.witness.${name}`, ca === undefined ? undefined : readPublic(ca)),
    privateNetworks,
    timeoutMs: deadlineSeconds * 1_000,
    maxBytes: MAX_ANSWER_BYTES,
  })
}

function stampOf(
  name: string,
  timestamp: NonNullable<WitnessConfig['timestamp']>,
  { deadlineSeconds }: WitnessConfig,
  { clock, prover }: WitnessParts,
): Stamp {
  const anchors = new Anchors([readFileSync(timestamp.authorities, 'utf8')])
  if (anchors.size === 0) throw new WitnessError(`${timestamp.authorities} holds no certificate`)
  const fetch = fetchOf(name, timestamp, deadlineSeconds, { signed: true, prover })
  return async (imprint) => {
    const nonce = asNonce(randomBytes(NONCE_BYTES))
    const answer = await fetch(timestamp.url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query' },
      body: timeStampRequest(imprint, nonce),
    })
    if (answer.status !== 200) throw new TimeStampRefused(`the time stamping authority answered ${answer.status}`)
    const token = tokenOf(Buffer.from(await answer.arrayBuffer()))
    const time = await verifyTimeStamp(token, { imprint, nonce, anchors })
    if (Math.abs(time - clock.now()) > MAX_SKEW_MS) throw new TimeStampRefused('its time is not ours')
    return token
  }
}

/** `git` with nothing of our environment, and no way to ask a person. Throws WitnessError where there is none. */
export function gitIn(repository: string, timeoutMs: number): RunGit {
  const git = findTool('git')
  if (git === undefined)
    throw new WitnessError('there is no git on this machine; install it, or choose another witness')
  const environment = {
    ...{
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '/bin/false',
    },
    ...{ GIT_AUTHOR_NAME: 'portcullis', GIT_AUTHOR_EMAIL: 'audit@portcullis.invalid', LC_ALL: 'C' },
    ...{ GIT_COMMITTER_NAME: 'portcullis', GIT_COMMITTER_EMAIL: 'audit@portcullis.invalid' },
  }
  return (args, signal) =>
    askTool(git, ['-C', repository, ...args], { environment, timeoutMs, signal, maxBytes: MAX_GIT_BYTES })
}
