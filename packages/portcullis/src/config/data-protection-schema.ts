/** `dataProtection`: who keeps the key-encryption key, and how long unwrapped keys serve from memory. */
import { z } from 'zod'
import { count, exactlyOne, isMap, path, seconds, secretSource, text } from './fields.ts'

const httpsOrigin = z
  .string()
  .regex(/^https:\/\/(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?$/)
  .meta({ title: 'an https origin such as https://kms.example.com' })

const pathPart = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,127}$/)
  .meta({ title: 'a name of letters, digits and . _ -' })

const mountPath = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]*(?:\/[\w.-]+)*$/)
  .meta({ title: 'a path such as transit, without / at its ends' })

const ca = path.optional().describe('Authorities to trust instead of the usual ones, PEM.')

const aws = z
  .strictObject({
    key: text.describe('Id, ARN or alias of a symmetric key.'),
    region: z
      .string()
      .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/)
      .meta({ title: 'a region such as eu-central-1' })
      .describe('Region of the key.'),
    credentials: z
      .enum(['environment', 'web-identity', 'container', 'instance'])
      .default('environment')
      .describe(
        'Where credentials come from: `AWS_ACCESS_KEY_ID` and its kin; a web identity (`AWS_ROLE_ARN`); the container; the machine (IMDSv2).',
      ),
    endpoint: httpsOrigin.optional().describe('Another address than that of the region, such as a VPC endpoint.'),
    ca,
  })
  .describe('For `aws-kms`.')

const gcp = z
  .strictObject({
    key: z
      .string()
      .regex(/^projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+$/)
      .meta({ title: 'projects/P/locations/L/keyRings/R/cryptoKeys/K' })
      .describe('A symmetric key (ENCRYPT_DECRYPT).'),
    account: secretSource
      .optional()
      .describe('JSON of a service account. Default: the account of the machine, by its metadata server.'),
    endpoint: httpsOrigin.optional().describe('Another address than https://cloudkms.googleapis.com.'),
    ca,
  })
  .describe('For `gcp-kms`.')

const azure = z
  .strictObject({
    vault: httpsOrigin.describe('Such as https://NAME.vault.azure.net.'),
    key: pathPart.describe('Name of an RSA key.'),
    application: z
      .strictObject({
        directory: pathPart.describe('Id of the Entra tenant.'),
        client: pathPart.describe('Id of the application.'),
        secret: secretSource.describe('Its secret.'),
      })
      .optional()
      .describe('An application of Microsoft Entra. Default: the managed identity of the machine.'),
    identity: pathPart.optional().describe('Client id of one of several managed identities.'),
    authority: httpsOrigin.optional().describe('Another address of Entra than https://login.microsoftonline.com.'),
    resource: httpsOrigin.optional().describe('For what tokens are asked. Default: https://vault.azure.net.'),
    ca,
  })
  .describe('For `azure-key-vault`.')

const login = exactlyOne<Record<'token' | 'appRole' | 'kubernetes', unknown>>('token', 'appRole', 'kubernetes')

const vault = z
  .strictObject({
    address: httpsOrigin.describe('Such as https://vault.example.com:8200.'),
    mount: mountPath.default('transit').describe('Path of the transit engine.'),
    key: pathPart.describe('Name of a key whose type takes associated data, such as aes256-gcm96.'),
    namespace: mountPath.optional().describe('Namespace of Vault Enterprise.'),
    token: secretSource.optional().describe('A token; read anew when it is not taken any more.'),
    appRole: z
      .strictObject({
        mount: mountPath.default('approle').describe('Path of the method.'),
        role: text.describe('Id of the role.'),
        secret: secretSource.describe('Id of the secret.'),
      })
      .optional()
      .describe('Signs in by AppRole.'),
    kubernetes: z
      .strictObject({
        mount: mountPath.default('kubernetes').describe('Path of the method.'),
        role: text.describe('Name of the role.'),
        tokenFile: path
          .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
          .describe('File with the token of the service account.'),
      })
      .optional()
      .describe('Signs in by Kubernetes.'),
    ca,
  })
  .refine((value) => login.check(value as Parameters<typeof login.check>[0]), login.params)
  .describe('For `vault-transit`.')

const SECTIONS = { 'aws-kms': 'aws', 'gcp-kms': 'gcp', 'azure-key-vault': 'azure', 'vault-transit': 'vault' } as const
const OPTIONAL = { file: 'file', keychain: 'keychain' } as const

const keeper = z
  .strictObject({
    driver: z
      .enum(['file', 'keychain', 'aws-kms', 'gcp-kms', 'azure-key-vault', 'vault-transit'])
      .default('file')
      .describe('Where the key-encryption key is kept; only the code of that place is loaded.'),
    file: z
      .strictObject({ path: path.describe('File of the keys, mode 0600. Default: `vault.keys` in the state folder.') })
      .optional()
      .describe('For `file`.'),
    keychain: z
      .strictObject({
        account: pathPart.default('default').describe('Tells apart the keys of several gateways in one keychain.'),
      })
      .optional()
      .describe('For `keychain`: `secret-tool` on Linux, `security` on macOS.'),
    aws: aws.optional(),
    gcp: gcp.optional(),
    azure: azure.optional(),
    vault: vault.optional(),
    deadlineSeconds: seconds(1, 60).default(5).describe('For one attempt at a key management service.'),
    attempts: count(1, 10).default(3).describe('How often it is asked when it does not answer, or is busy.'),
  })
  .superRefine((value, context) => {
    const { driver } = value
    const needed: string | undefined = driver in SECTIONS ? SECTIONS[driver as keyof typeof SECTIONS] : undefined
    const possible = needed ?? OPTIONAL[driver as keyof typeof OPTIONAL]
    const told = [...Object.values(SECTIONS), ...Object.values(OPTIONAL)].filter((name) => value[name] !== undefined)
    const strangers = told.filter((name) => name !== possible)
    if (needed !== undefined && !told.includes(needed as never))
      context.addIssue({ code: 'custom', message: `the driver ${driver} needs ${needed}`, path: ['driver'] })
    for (const name of strangers)
      context.addIssue({ code: 'custom', message: `does not belong to the driver ${driver}`, path: [name] })
  })

export const dataProtection = z
  .strictObject({
    keyEncryption: keeper.prefault({}).describe('Who keeps the key that wraps the keys of all tenants.'),
    previous: z
      .array(keeper)
      .max(4)
      .default([])
      .describe(
        'Keepers of before. What they wrapped still opens, until `portcullis keys rewrap` has wrapped it anew.',
      ),
    refreshSeconds: seconds(1, 86_400)
      .default(300)
      .describe(
        'How long an unwrapped key serves before its keeper is asked again; a key that is disabled there ends then.',
      ),
    outageSeconds: seconds(0, 604_800)
      .default(3600)
      .describe('How long, after its last answer, unwrapped keys serve on while a keeper does not answer.'),
    tenantKeys: z
      .strictObject({
        copy: path
          .optional()
          .describe(
            'A second file of the wrapped tenant keys, best on another disk: no backup holds them, and without them none can be read.',
          ),
      })
      .prefault({})
      .describe('The wrapped keys of tenants, whose destruction makes every backup of a tenant unreadable.'),
  })
  .refine((value) => value.outageSeconds === 0 || value.outageSeconds >= value.refreshSeconds, {
    path: ['outageSeconds'],
    message: 'has to be 0 or at least refreshSeconds',
    when: isMap,
  })
