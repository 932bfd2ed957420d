/** The metrics registry (prom-client). Labels are short closed vocabularies: never a name, a serial, an account or an address. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry, type RegistryContentType } from 'prom-client';

export const registry = new Registry();

const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
  new Counter({ name: `chancery_${name}`, help, labelNames, registers: [registry] });

/** Of several fronts on a machine, the worst one is shown: the most, or of what is left the least. */
const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[], aggregator: 'max' | 'min' = 'max'): Gauge<L> =>
  new Gauge({ name: `chancery_${name}`, help, labelNames, registers: [registry], aggregator });

export const metrics = {
  crlAge: gauge('crl_age_seconds', 'Since thisUpdate of the oldest CRL shard.', ['issuer_key']),
  crlLeft: gauge('crl_left_seconds', 'Until nextUpdate of the CRL shard that ends first.', ['issuer_key'], 'min'),
  crlsMissing: gauge('crls_missing', 'CRL shards that were never published.', ['issuer_key']),
  issuerLeft: gauge('issuer_left_seconds', 'Until the end of the first of the certificates of an issuer key, those above it and the root.', ['issuer_key'], 'min'),
  crlShardAge: gauge('crl_shard_age_seconds', 'Since thisUpdate of each CRL shard.', ['issuer_key', 'shard']),
  probes: counter('probes_total', 'URLs in certificates that were fetched as a relying party would.', ['what', 'outcome']),
  probeFaults: gauge('probe_faults', 'URLs in certificates at which the prober last found something else than it should be.', ['issuer_key', 'what']),
  probeAge: gauge('probe_age_seconds', 'Since the URL that was not probed for longest was probed.', ['issuer_key']),
  responderLeft: gauge('ocsp_responder_left_seconds', "Until the end of the OCSP responder's certificate; 0 without one.", ['issuer_key'], 'min'),
  ocspKept: gauge('ocsp_kept_responses', 'OCSP responses in memory that may be given again.', []),
  certificatesIssued: counter('certificates_issued_total', 'Certificates recorded and released.', ['profile', 'door', 'issuer_key']),
  signingPostponed: counter('signing_postponed_total', 'Requests the signer could not answer in time; recovery finishes them.', ['issuer_key']),
  signerRefusals: counter('signer_refusals_total', 'Requests that the signer refused on re-check or lint.', ['issuer_key', 'profile']),
  renewalRefusals: counter('renewal_refusals_total', 'Certificates of orders that renew themselves which policy or lints now refuse.', ['profile']),
  intentsRecovered: counter('intents_recovered_total', 'Half-done issuances that recovery settled.', ['outcome', 'profile']),
  recoveryFailures: counter('recovery_failures_total', 'Half-done issuances that could not be settled yet.', []),
  contradictions: counter('journal_contradictions_total', 'Intents whose bytes differ between database and journal: look at once.', []),
  certificatesRevoked: counter('certificates_revoked_total', 'Revocations recorded.', ['issuer_key', 'reason', 'door']),
  rootCrlSeconds: gauge('root_crl_seconds_left', 'Until the CRL of the root above an issuer key runs out; 0 when it cannot be served.', ['issuer_key'], 'min'),
  crlFailures: counter('crl_failures_total', 'CRL shards that could not be made at a run of the job: the published one gets older.', ['issuer_key']),
  crlsPublished: counter('crls_published_total', 'CRL shards signed and recorded.', ['issuer_key']),
  ocspResponses: counter('ocsp_responses_total', 'OCSP requests answered, by what they were told.', ['outcome']),
  ocspSignatures: counter('ocsp_signatures_total', 'OCSP responses signed; the rest was given again.', ['issuer_key']),
  ocspUnissued: counter('ocsp_unissued_total', 'Questions about serials that were never issued; ours: made as ours are. Look at once.', ['issuer_key', 'ours']),
  requests: counter('http_requests_total', 'Requests answered.', ['door', 'method', 'status']),
  requestSeconds: new Histogram({
    name: 'chancery_http_request_seconds', help: 'Time to answer a request.', labelNames: ['door'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], registers: [registry],
  }),
  challenges: counter('challenges_total', 'Challenge attempts that ended.', ['type', 'outcome']),
  problems: counter('problems_total', 'Problem documents answered.', ['door', 'type']),
  jobFailures: counter('job_failures_total', 'Runs of scheduled jobs that failed.', ['job']),
  clockLeaps: counter('clock_leaps_total', 'Runs of retention that found the clock more than a day after the last: it goes on by a day at a time.', []),
  configurationApplied: counter('configurations_applied_total', 'Configuration generations put in force.', []),
  signerState: gauge('signer_ready', '1 while a signer is ready.', [], 'min'),
} as const;

/** In a worker of node:cluster: its figures are given to the primary, which asks for them. */
export function handMetricsToPrimary(): void {
  AggregatorRegistry.setRegistries([registry]);
  new AggregatorRegistry(); // making one is what sets it to answer
}

/** In the primary of node:cluster: the figures of all workers, summed. */
export function sumOfWorkers(): () => Promise<string> {
  const workers = new AggregatorRegistry<RegistryContentType>();
  return () => workers.clusterMetrics();
}

/** Process figures (CPU, memory, event-loop lag); called once by wiring. */
export function collectProcessMetrics(): void {
  collectDefaultMetrics({ register: registry, prefix: 'chancery_' });
}
