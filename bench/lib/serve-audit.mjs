// Serves a gateway whose records are made durable in one of the ways that are compared. For measuring alone: the
// replacement goes in by a symbol that no configuration can name.
// Arguments: configuration file, way (off | each).
//   off   nothing is recorded
//   each  the same records in the same chain, but every record is written and synced by itself, one after the other
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openAppendFile } from '../../packages/portcullis/dist/audit/append-file.js'
import { CHAIN_RULES } from '../../packages/portcullis/dist/audit/chain.js'
import { checkpointSigner, loadCheckpointKey } from '../../packages/portcullis/dist/audit/checkpoint.js'
import { auditIntent } from '../../packages/portcullis/dist/audit/intent.js'
import { ChainLedger } from '../../packages/portcullis/dist/audit/ledger.js'
import { stderrLogger } from '../../packages/portcullis/dist/audit/log.js'
import { auditTrail } from '../../packages/portcullis/dist/audit/trail.js'
import { keepCodeWarm } from '../../packages/portcullis/dist/cli/warm-code.js'
import { letYoungSpaceGrow } from '../../packages/portcullis/dist/cli/young-space.js'
import { loadConfig } from '../../packages/portcullis/dist/config/load.js'
import { systemClock } from '../../packages/portcullis/dist/core/clock.js'
import { adjustStages, startGateway } from '../../packages/portcullis/dist/gateway/gateway.js'
import { answerOf } from '../../packages/portcullis/dist/mcp/refusal.js'

// As the command "serve" does it.
keepCodeWarm()
letYoungSpaceGrow()

const [configFile, way] = process.argv.slice(2)
const config = loadConfig(configFile, process.env)
const log = stderrLogger('warn')
const NEWLINE = 0x0a

/** As whoever calls fsync after each record would do it: a commit of several lines becomes several commits. */
const oneByOne = async (directory, name) => {
  const file = await openAppendFile(directory, name)
  return {
    ...file,
    async append(bytes) {
      for (let start = 0; start < bytes.length; ) {
        const end = bytes.indexOf(NEWLINE, start) + 1
        await file.append(bytes.subarray(start, end))
        start = end
      }
    },
  }
}

async function eachLedger() {
  const directory = join(config.state, 'audit-one-by-one')
  mkdirSync(directory, { mode: 0o700, recursive: true })
  return ChainLedger.open({
    directory,
    signer: checkpointSigner(loadCheckpointKey(`${directory}.key`)),
    clock: systemClock,
    rules: { ...CHAIN_RULES, lingerMs: 0 },
    openFile: oneByOne,
    ...{ program: 'bench', weaknesses: [], tenants: ['default'] },
  })
}

const RECORDED = Promise.resolve()

async function stagesOf() {
  if (way === 'off') {
    return {
      trail: { name: 'audit.trail', wrap: (_exchange, next) => next() },
      intent: { name: 'audit.intent', check: () => ({ recorded: RECORDED }) },
    }
  }
  const ledger = await eachLedger()
  return { trail: auditTrail({ ledger, clock: systemClock, answerOf, log }), intent: auditIntent({ ledger }) }
}

const replaced = await stagesOf()
const gateway = await startGateway({
  ...{ config, configFile, log },
  [adjustStages]: (stages) => ({ ...stages, ...replaced }),
})
process.once('SIGTERM', () => gateway.close().then(() => process.exit(0)))
