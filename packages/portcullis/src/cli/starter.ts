/** The files that `portcullis init` writes. */

export interface StarterFile {
  /** Below the folder of the configuration. */
  readonly name: string
  readonly content: string
}

/** A gateway with no upstream yet. */
export function starterFiles(): readonly StarterFile[] {
  return [
    { name: 'portcullis.yaml', content: STARTER_CONFIG },
    { name: 'policies/access.cedar', content: ADMIN_POLICY },
  ]
}

export const ADMIN_POLICY = `// What no policy permits is denied.
@id("administrators-may-everything")
permit (principal in Role::"admin", action, resource);
`

const STARTER_CONFIG = `# Portcullis. Every key: portcullis config explain PATH, or docs/reference/configuration.md.
version: 1
state: state

listen:
  port: 8443

policy:
  files: [policies/*.cedar]
  roles: [admin, user]

# The MCP servers behind the gateway; each is reached at /mcp/NAME, once somebody has approved what it says of itself:
# portcullis lock, then portcullis lock approve NAME.
upstreams: {}
#  files:
#    stdio:
#      command: /usr/local/bin/documents-mcp
#      sandbox: { read: [/srv/documents] }
#  remote:
#    http:
#      url: https://mcp.example.com/mcp
#      headers: { authorization: { file: remote.token } }
`
