/**
 * What every deployer should pass, and what hurts users of others today (owner/repository#number are public threads).
 * A test takes part by its tag; docs/reference/scenarios.md is made from the tests that ran and passed
 * (support/scenarios-page.ts), and `npm test` fails where one has none, or where the page says otherwise.
 */
export interface Scenario {
  /** The tag of its tests. */
  name: string
  description: string
  /** Nothing of ours passes it yet; a test with its tag takes this away. */
  toCome?: true
}

export const scenarios: readonly Scenario[] = [
  { name: 'exact-versions', description: 'Redeploy, then roll back: exactly the versions meant serve' },
  { name: 'same-version', description: 'The same version again' },
  { name: 'hooks', description: 'Hooks run with the right environment; one that fails ends the deploy with nothing changed' },
  { name: 'broken-image', description: 'A broken image: the old version serves' },
  { name: 'ready-then-dies', description: 'Ready, then dies: the deploy fails' },
  { name: 'workers-wait', description: 'Workers never start when the web service before them is unhealthy' },
  { name: 'logs-printed', description: 'The logs of the failed container are printed' },
  { name: 'lock-holder', description: 'A held lock names its holder' },
  { name: 'leftovers', description: 'What an interrupted deploy leaves is finished or undone, and cleaned up' },
  { name: 'any-fault', description: 'Any fault at any step: a version serves, and the next deploy goes through by itself' },
  { name: 'batches', description: 'Batches of hosts are respected' },
  { name: 'two-apps', description: 'Two applications share one nginx; removing one keeps the other' },
  { name: 'bad-tls', description: 'A bad TLS file leaves the site untouched' },
  { name: 'maintenance', description: 'A maintenance page, while health still answers' },
  { name: 'websockets', description: 'WebSockets are told to go' },
  { name: 'in-flight', description: 'Requests in flight finish' },
  { name: 'overrunning', description: 'Requests that overrun are cut at the limit' },
  { name: 'traffic', description: 'Sustained traffic through every swap: no request fails' },
  { name: 'reboot', description: 'A reboot, a restart of the engine and one of nginx bring the same version back' },
  { name: 'retired', description: 'Services that the configuration no longer has are stopped' },
  { name: 'pruned-image', description: 'An image that was pruned is pulled again' },
  { name: 'failure-exit', description: 'A deploy that was undone ends as a failure' },
  { name: 'no-match', description: 'A choice that matches nothing is an error' },
  { name: 'secrets', description: 'Secrets with quotes, newlines, $ and Unicode arrive as they are' },
  { name: 'sudo-only', description: 'An account that may sudo and nothing else' },
  { name: 'no-docker', description: 'No docker: said before anything is touched' },
  { name: 'no-probe', description: 'Neither curl nor wget: said before anything is touched' },
  { name: 'busy-port', description: 'A busy port names its holder, before anything is touched' },
  { name: 'full-disk', description: 'A full disk: said before anything is touched' },
  { name: 'other-platform', description: 'An image for another platform: said before anything is touched' },
  { name: 'unknown-flag', description: 'A flag that docker run does not know: its words, and the old version serves' },
  { name: 'redirect', description: 'A health page that leads to a login is not health, and the evidence says where it leads' },
  { name: 'changed-host-key', description: 'A host key that changed: both fingerprints are shown' },
  { name: 'ssh-agent#233', description: 'A private key with CRLF, or without its last newline, works' },
  { name: 'ssh-action#275', description: 'A host key that nobody knows is refused' },
  { name: 'ssh-action#42', description: 'A command that failed on the host is a failure here' },
  { name: 'ssh-action#112', description: 'One of several commands fails: the deploy fails, and the next is not run' },
  { name: 'ssh-action#211', description: 'A command that cannot even begin is a failure here' },
  { name: 'ssh-action#359', description: 'What a command prints does not make a success of its failure' },
  { name: 'docker/compose#10117', description: 'One connection, however much is done' },
  { name: 'kamal#842', description: 'The evidence of a failed health check is kept' },
  { name: 'kamal#1917', description: 'What the failed health check was answered is told: its status and its page' },
  { name: 'kamal#1479', description: 'The log of a container that did not come up is not lost with it' },
  { name: 'kamal-proxy#71', description: 'An application that is well is not called unhealthy' },
  { name: 'kamal#1844', description: 'Two deploys at once: the second waits for its turn' },
  { name: 'deployphp/action#31', description: 'After a run that was cancelled there is nothing to unlock' },
  { name: 'kamal#1133', description: 'A published port does not collide with that of the old container' },
  { name: 'kamal#1704', description: 'An nginx that is there already, and is used by others' },
  { name: 'kamal#1655', description: 'Each deploy prunes what is no longer kept' },
  { name: 'kamal#1163', description: 'A login that has ended breaks no migration' },
  { name: 'kamal#1467', description: 'Newlines in secrets are not mangled' },
  { name: 'getsentry/self-hosted#3894', description: 'nginx does not keep the address of a container that has gone' },
  { name: 'docker-rollout#21', description: 'The old container is not stopped while the proxy leads to it' },
  {
    name: 'docker-rollout#23',
    description: 'nginx knows of the new container at the moment of the switch, and not after the old one has gone',
  },
  { name: 'docker-rollout#25', description: 'However deploys follow each other, one container of each service runs' },
  { name: 'docker/compose#734', description: 'A compose project is replaced without a gap' },
  { name: 'unregistry#41', description: 'Layers that are there already are no image: what was pushed is what runs' },
  { name: 'docker-rollout#38', description: 'Health counts from the first deploy on' },
  { name: 'bikeindex#4313', description: 'A run that was cancelled holds no lock' },
  { name: 'albinotonnina/echos#154', description: 'An earlier version is put live by a button, without a build' },
  { name: 'actions/runner#1498', description: 'A job whose output GitHub drops is not skipped in silence' },
  { name: 'docker/metadata-action#214', description: 'A deploy does not depend on tags that a job hands on as its output' },
  { name: 'litigant-portal#521', description: 'Pruning leaves what a rollback needs' },
]
