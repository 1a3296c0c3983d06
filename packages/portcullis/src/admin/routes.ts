/** Every route of the administration. The router, the OpenAPI document and the test of all routes are made from this table. */
import { PRODUCT } from '../gateway/product.ts'
import { ANOMALY_ROUTES } from './anomalies.ts'
import { AUDIT_ROUTES } from './audit.ts'
import { BACKUP_ROUTES } from './backups.ts'
import { BLOCK_ROUTES } from './blocks.ts'
import { CERTIFICATE_ROUTES } from './certificates.ts'
import { CLIENT_ROUTES } from './clients.ts'
import { CREDENTIAL_ROUTES } from './credentials.ts'
import { DEFINITION_ROUTES } from './definitions.ts'
import { EXPORTER_ROUTES } from './exporters.ts'
import { GRANT_ROUTES } from './grants.ts'
import { HOLD_ROUTES } from './holds.ts'
import { KEY_ROUTES } from './keys.ts'
import { LIMIT_ROUTES } from './limits.ts'
import { openApi } from './open-api.ts'
import { PAYLOAD_ROUTES } from './payloads.ts'
import { POLICY_ROUTES } from './policies.ts'
import { REVOCATION_ROUTES } from './revocations.ts'
import { ROLE_ROUTES } from './roles.ts'
import { type AdminRoute, READERS, route } from './route.ts'
import { SIGN_IN_ROUTES } from './sign-ins.ts'
import { SESSION_ROUTES } from './sessions.ts'
import { TENANT_ROUTES } from './tenants.ts'
import { UPSTREAM_ROUTES } from './upstreams.ts'
import { USER_ROUTES } from './users.ts'
import { VAULT_ROUTES } from './vault.ts'

export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...KEY_ROUTES,
  ...USER_ROUTES,
  ...SIGN_IN_ROUTES,
  ...CLIENT_ROUTES,
  ...ROLE_ROUTES,
  ...TENANT_ROUTES,
  ...SESSION_ROUTES,
  ...GRANT_ROUTES,
  ...REVOCATION_ROUTES,
  ...CERTIFICATE_ROUTES,
  ...BLOCK_ROUTES,
  ...POLICY_ROUTES,
  ...UPSTREAM_ROUTES,
  ...DEFINITION_ROUTES,
  ...LIMIT_ROUTES,
  ...ANOMALY_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...VAULT_ROUTES,
  ...AUDIT_ROUTES,
  ...PAYLOAD_ROUTES,
  ...HOLD_ROUTES,
  ...EXPORTER_ROUTES,
  ...BACKUP_ROUTES,
  route({
    ...{ method: 'GET', path: '/openapi.json', name: 'readOpenApi', summary: 'This document.' },
    may: READERS,
    run: () => ({ document: adminOpenApi() }),
  }),
]

/** The OpenAPI 3.1 document of the whole administration. */
export const adminOpenApi = (): object => openApi(ADMIN_ROUTES, PRODUCT.version)
