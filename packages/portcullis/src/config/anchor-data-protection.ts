/** Which files keepers of the key-encryption key have to do with: made absolute, and told to whoever keeps them from programs. */
import type { Config, KeyKeeperConfig, SecretSource } from './schema.ts'

type DataProtection = Config['dataProtection']
type At = (path: string) => string

export function anchorDataProtection(config: DataProtection, at: At): DataProtection {
  const { copy } = config.tenantKeys
  return {
    ...config,
    keyEncryption: anchorKeeper(config.keyEncryption, at),
    previous: config.previous.map((keeper) => anchorKeeper(keeper, at)),
    tenantKeys: copy === undefined ? {} : { copy: at(copy) },
  }
}

/** What only the gateway may know. */
export const keyFiles = ({ keyEncryption, previous, tenantKeys }: DataProtection): readonly (string | undefined)[] => [
  tenantKeys.copy,
  ...[keyEncryption, ...previous].flatMap((keeper) => [
    keeper.file?.path,
    keeper.vault?.kubernetes?.tokenFile,
    ...secretsOf(keeper).map(({ source }) => source.file),
  ]),
]

/** Whom keepers are believed by. */
export const keyAuthorities = ({ keyEncryption, previous }: DataProtection): readonly (string | undefined)[] =>
  [keyEncryption, ...previous].map(authorityOf)

/** The secrets by which the gateway is known to a keeper, and where the configuration names them. */
export function secretsOf(keeper: KeyKeeperConfig) {
  const { gcp, azure, vault } = keeper
  const all: readonly (readonly [readonly string[], SecretSource | undefined])[] = [
    [['gcp', 'account'], gcp?.account],
    [['azure', 'application', 'secret'], azure?.application?.secret],
    [['vault', 'token'], vault?.token],
    [['vault', 'appRole', 'secret'], vault?.appRole?.secret],
  ]
  return all.flatMap(([path, source]) => (source === undefined ? [] : [{ path, source }]))
}

export const authorityOf = ({ aws, gcp, azure, vault }: KeyKeeperConfig): string | undefined =>
  (aws ?? gcp ?? azure ?? vault)?.ca

function anchorKeeper(keeper: KeyKeeperConfig, at: At): KeyKeeperConfig {
  const { file, aws, gcp, azure, vault } = keeper
  const secret = (source: SecretSource): SecretSource =>
    source.file === undefined ? source : { file: at(source.file) }
  const trusting = <T extends { readonly ca?: string }>(one: T): T =>
    one.ca === undefined ? one : { ...one, ca: at(one.ca) }
  return {
    ...keeper,
    ...(file && { file: { path: at(file.path) } }),
    ...(aws && { aws: trusting(aws) }),
    ...(gcp && { gcp: { ...trusting(gcp), ...(gcp.account && { account: secret(gcp.account) }) } }),
    ...(azure && {
      azure: {
        ...trusting(azure),
        ...(azure.application && { application: { ...azure.application, secret: secret(azure.application.secret) } }),
      },
    }),
    ...(vault && {
      vault: {
        ...trusting(vault),
        ...(vault.token && { token: secret(vault.token) }),
        ...(vault.appRole && { appRole: { ...vault.appRole, secret: secret(vault.appRole.secret) } }),
        ...(vault.kubernetes && { kubernetes: { ...vault.kubernetes, tokenFile: at(vault.kubernetes.tokenFile) } }),
      },
    }),
  }
}
