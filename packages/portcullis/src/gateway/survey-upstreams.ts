/** Asks upstreams everything that a model may read of them, in their sandboxes, without serving anybody. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import { ownPaths } from '../config/own-paths.ts'
import type { Config } from '../config/schema.ts'
import { stateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { type Told, toldOf } from '../inspection/definitions/survey.ts'
import { proposeRoles } from '../inspection/propose-roles.ts'
import { parseUpstream } from '../inspection/strict-json.ts'
import { privateFolder } from '../pki/private-file.ts'
import type { Stores } from '../stores/stores.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Access } from './build-access.ts'
import { closeDrivers, selectDrivers } from './build-sandbox.ts'
import { buildUpstreams } from './build-upstreams.ts'
import { outboundProver, Validation } from './build-validation.ts'
import { openKeys } from './open-keys.ts'
import { openSignatures } from './open-signatures.ts'
import { openStores } from './open-stores.ts'
import { Processes } from './processes.ts'

export interface SurveyParts {
  readonly config: Config
  readonly configFile: string
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Logger
}

/** What an upstream told, or why it did not. */
export type SurveyAnswer = { readonly told: Told } | { readonly failure: string }

/**
 * By the name of the upstream. A gateway may be running meanwhile: processes and links are others than its own. Rejects with
 * `sandbox.unavailable` when a sandbox does not hold what the configuration requires.
 */
export async function surveyUpstreams(
  parts: SurveyParts,
  names: readonly string[],
): Promise<ReadonlyMap<string, SurveyAnswer>> {
  const { config, configFile, log } = parts
  privateFolder(config.state)
  const drivers = selectDrivers(config, ownPaths(config, configFile), log)
  const stores = await openStores({
    ...parts,
    prover: () => outboundProver(config, parts.clock, log),
    onProblem: (error) => log.warn('the store does not answer', { error }),
  })
  const processes = new Processes({ ...parts, ledger: UNRECORDED })
  let upstreams: ReadonlyMap<string, Upstream> = new Map()
  try {
    const signatures = await openSignatures({ ...parts, replays: stores.replays, publicUrl: publicUrlOf(config) })
    upstreams = await buildUpstreams({
      ...parts,
      ...(await surroundings(parts, stores)),
      drivers,
      processes,
      signatures,
    })
    const answers = names.map(async (name) => [name, await ask(upstreams.get(name) as Upstream)] as const)
    return new Map(await Promise.all(answers))
  } finally {
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
    await processes.settled()
    await stores.close()
    await closeDrivers(drivers)
  }
}

/** No caller is served, so there is nobody whose chain a record could belong to. */
const UNRECORDED: Ledger = { intact: () => true, append: () => Promise.resolve() }

const publicUrlOf = ({ listen }: Config): string => listen.publicUrl ?? `https://${listen.host}:${listen.port}`

async function surroundings({ config, clock, environment, log }: SurveyParts, stores: Stores) {
  const { maxDepth, maxMembers } = config.limits
  const layout = stateLayout(config)
  const validation = new Validation({ layout, clock, log, outbound: config.outbound })
  const prover = await validation.outbound()
  const access = new Access({
    ...{ config, stores, clock, environment, ledger: UNRECORDED, prover },
    keys: openKeys({ config, layout, stores, clock, environment, prover }),
    publicUrl: publicUrlOf(config),
    isRevoked: () => false,
  })
  const parse = (bytes: Buffer) => parseUpstream(bytes, { maxDepth, maxMembers })
  return { access, parse, judgeOf: () => undefined, validation }
}

async function ask(upstream: Upstream): Promise<SurveyAnswer> {
  try {
    await upstream.catalogue.ready()
    const { serverInfo, instructions } = await upstream.facts()
    const offers = await upstream.readOffers()
    const told = toldOf(
      {
        serverInfo,
        ...(instructions !== undefined && { instructions }),
        tools: upstream.catalogue.list().map(({ raw }) => raw),
        prompts: offers.get('prompt') ?? [],
        resources: offers.get('resource') ?? [],
        templates: offers.get('template') ?? [],
      },
      proposeRoles,
    )
    return { told }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    const reason = thrown.detail['reason'] ?? thrown.detail['mend']
    return { failure: typeof reason === 'string' ? `${thrown.says} (${reason})` : thrown.says }
  }
}
