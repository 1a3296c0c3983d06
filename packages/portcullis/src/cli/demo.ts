/** The demonstration: two real MCP servers in the sandbox, and policies that allow, deny and constrain. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { CommandError, EXIT } from './exit.ts'
import { ADMIN_POLICY } from './starter.ts'
import type { StarterFile } from './starter.ts'

/** Folder, below that of the configuration, which is opened to the file server; inside `NOTES` it may write. */
export const DEMO_FOLDER = 'demo'
export const DEMO_NOTES = 'demo/notes'

/** `folder` is absolute. Throws CommandError when the two servers are not installed above it. */
export function demoFiles(folder: string): readonly StarterFile[] {
  return [
    { name: 'portcullis.yaml', content: `${HEAD}${stringify(demoConfig(folder), { lineWidth: 0 })}` },
    { name: 'policies/access.cedar', content: demoPolicy(folder) },
    { name: `${DEMO_FOLDER}/welcome.txt`, content: WELCOME },
    { name: `${DEMO_FOLDER}/recipe.txt`, content: RECIPE },
    { name: `${DEMO_NOTES}/first.txt`, content: 'Notes may be written here.\n' },
  ]
}

const HEAD = `# The demonstration of Portcullis, made by "portcullis init --demo". Every key: portcullis config explain PATH.
# The file server is told that it may serve "/": what protects your files are the policy and the sandbox, not its manners.
`

function demoConfig(folder: string): object {
  const modules = findModules(folder)
  const server = (name: string) => join(modules, '@modelcontextprotocol', name, 'dist', 'index.js')
  return {
    version: 1,
    state: 'state',
    listen: { port: 8443 },
    policy: { files: ['policies/*.cedar'], roles: ['admin', 'user'] },
    upstreams: {
      files: {
        title: 'Demo files',
        stdio: {
          command: process.execPath,
          args: [server('server-filesystem'), '/'],
          sandbox: { read: [modules, DEMO_FOLDER], write: [DEMO_NOTES] },
        },
      },
      everything: {
        title: 'Demo of all of MCP',
        stdio: {
          command: process.execPath,
          args: [server('server-everything'), 'stdio'],
          sandbox: { read: [modules] },
        },
      },
    },
    traffic: { rate: { perPrincipal: { permits: 20, perSeconds: 1, burst: 60 } } },
    audit: { log: { level: 'warn' } },
  }
}

function demoPolicy(folder: string): string {
  const notes = join(folder, DEMO_NOTES)
  return `${ADMIN_POLICY}
@id("users-may-connect-to-files")
permit (principal in Role::"user", action == Action::"connect", resource == Upstream::"files");

@id("users-may-read-files")
permit (principal in Role::"user", action == Action::"tools/call", resource in Upstream::"files")
when { resource.readOnly };

// Not even an administrator writes elsewhere.
@id("writes-stay-in-the-notes")
forbid (principal, action == Action::"tools/call", resource == Tool::"files/write_file")
unless { context.args.path like ${JSON.stringify(`${notes}/*`)} && !(context.args.path like "*/../*") };
`
}

/** The nearest node_modules that holds both servers. */
function findModules(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const modules = join(at, 'node_modules')
    const found = ['server-filesystem', 'server-everything'].every((name) => {
      return existsSync(join(modules, '@modelcontextprotocol', name, 'dist', 'index.js'))
    })
    if (found) return modules
    if (at === dirname(at)) break
  }
  const packages = '@modelcontextprotocol/server-filesystem @modelcontextprotocol/server-everything'
  throw new CommandError(EXIT.unavailable, `The demonstration needs two MCP servers; run: npm install ${packages}`)
}

const WELCOME = `Welcome to Portcullis.

This file reached you through a gateway that checked who you are, what you may do, and the arguments of your call, and
that has written both the call and its outcome into a chain that cannot be changed unnoticed.
`

const RECIPE = `Bread: 500 g flour, 350 g water, 10 g salt, 2 g yeast. Wait a night. 45 minutes at 230 degrees.
`
