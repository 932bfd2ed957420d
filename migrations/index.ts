/** The manifest of migrations, in the order in which they run. */

import { core } from './0001-core.ts';
import { acme } from './0002-acme.ts';
import { revocation } from './0003-revocation.ts';
import { acmeFull } from './0005-acme-full.ts';
import { validation } from './0006-validation.ts';
import { access } from './0007-access.ts';
import { renewal } from './0008-renewal.ts';
import { issuance } from './0009-issuance.ts';
import { probedUrl } from './0010-probed-url.ts';
import { reckonedDay } from './0011-reckoned-day.ts';
import { crlUrl } from './0012-crl-url.ts';
import type { Migration } from './migration.ts';

export const migrations: readonly Migration[] = [core, acme, revocation, acmeFull, validation, access, renewal, issuance, probedUrl, reckonedDay, crlUrl];
