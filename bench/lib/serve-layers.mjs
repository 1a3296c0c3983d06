// Serves a gateway in which only the first layers do their work; the others let everything through. For measuring alone:
// the replacement goes in by a symbol that no configuration can name.
// Arguments: configuration file, number of layers (0 to LAYERS.length).
import { stderrLogger } from '../../packages/portcullis/dist/audit/log.js'
import { keepCodeWarm } from '../../packages/portcullis/dist/cli/warm-code.js'
import { letYoungSpaceGrow } from '../../packages/portcullis/dist/cli/young-space.js'
import { loadConfig } from '../../packages/portcullis/dist/config/load.js'
import { adjustStages, startGateway } from '../../packages/portcullis/dist/gateway/gateway.js'
import { LAYERS } from './layers.mjs'

// As the command "serve" does it.
keepCodeWarm()
letYoungSpaceGrow()

const [configFile, count] = process.argv.slice(2)
const left = new Set(LAYERS.slice(Number(count)).flatMap(({ stages }) => stages))
const config = loadConfig(configFile, process.env)

const PRINCIPAL = { id: 'bench', tenant: 'default', roles: ['user'], credential: { kind: 'api-key', id: 'bench' } }
const DECISION = { effect: 'allow', policies: [], revision: '' }
const RECORDED = Promise.resolve()
const nothing = (name) => ({ name, check: () => {} })
const around = (name) => ({ name, wrap: (_exchange, next) => next() })

/** What stands in for a stage that is left out, with the facts that later ones need. */
const SUBSTITUTES = {
  trail: around('trail'),
  deadline: around('deadline'),
  standing: around('standing'),
  concurrency: around('concurrency'),
  authenticate: { name: 'authenticate', check: () => ({ principal: PRINCIPAL }) },
  authorize: { name: 'authorize', check: () => ({ decision: DECISION }) },
  intent: { name: 'intent', check: () => ({ recorded: RECORDED }) },
  checkResult: { name: 'checkResult', filter: (message) => message },
}

const gateway = await startGateway({
  config,
  configFile,
  log: stderrLogger('warn'),
  [adjustStages]: (stages) =>
    Object.fromEntries(
      Object.entries(stages).map(([name, stage]) => [
        name,
        left.has(name) ? (SUBSTITUTES[name] ?? nothing(name)) : stage,
      ]),
    ),
})
process.once('SIGTERM', () => gateway.close().then(() => process.exit(0)))
