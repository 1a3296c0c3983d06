// The sandbox library that most agents use, with no domain allowed, as its README says to use it.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensurePeer, ensureProgram } from '../../lib/install.mjs'
import { startLines } from '../line-child.mjs'

const NAME = '@anthropic-ai/sandbox-runtime'
const VERSION = '0.0.83'
const TOOLS = { bwrap: 'bubblewrap', socat: 'socat', rg: 'ripgrep' }

export async function load({ program }) {
  const way = { name: `sandbox-runtime ${VERSION}`, roles: ['peer'] }
  try {
    const manager = await start()
    const open = async (args) => {
      const line = await manager.wrapWithSandbox([program, ...args].join(' '))
      return startLines([line], { shell: true, env: process.env })
    }
    return [{ ...way, open, close: () => manager.reset() }]
  } catch (problem) {
    return [{ ...way, failed: problem.message }]
  }
}

async function start() {
  for (const [tool, aptPackage] of Object.entries(TOOLS))
    if (!ensureProgram(tool, aptPackage)) throw new Error(`${tool} is missing, and apt could not install it`)
  const folder = ensurePeer(NAME, VERSION)
  if (folder === undefined) throw new Error('npm could not install it')
  const { SandboxManager } = await import(pathToFileURL(join(folder, 'dist', 'index.js')).href)
  await SandboxManager.initialize({
    network: { allowedDomains: [], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: [], denyWrite: [] },
  })
  return SandboxManager
}
