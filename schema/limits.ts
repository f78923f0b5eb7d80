/** Size and time limits by which more than one room goes, or that users meet. Bytes unless the name says otherwise. */

/** Largest request body that is read. */
export const MAX_BODY_BYTES = 10_000_000;
/** What is read and thrown away of a larger body, so that its sender finds the refusal. */
export const MAX_DRAINED_BYTES = 32_000_000;
/** Values of one JSON body: each object, list, text, number, true, false and null counts, keys do not. */
export const MAX_JSON_VALUES = 50_000;
/** A JSON body of more values, or of more bytes than MAX_JSON_BYTES, takes turns with others. */
export const LARGE_JSON_VALUES = 2_000;
/** Objects and lists inside each other in a JSON body. */
export const MAX_JSON_DEPTH = 64;
/** A JSON body without its texts that begin with `data:`, which carry inputs. */
export const MAX_JSON_BYTES = 1_000_000;
/** A body of a login, or of a route that makes credentials. */
export const MAX_CREDENTIAL_BODY_BYTES = 64 * 1024;
/** Entries of one list of a job. Only its first task counts, so few of them are read. */
export const MAX_JOB_LIST = 2_000;
/** Entries of one map of a job, such as its labels. */
export const MAX_JOB_MAP = 10_000;
export const MAX_TASKS = 16;
/** Problems that one answer tells. */
export const MAX_PROBLEMS = 10;
/** One problem, in characters: what was sent is not sent back. */
export const MAX_PROBLEM_CHARS = 400;
/** Largest stored specification of one job version, as JSON. */
export const MAX_SPEC_BYTES = 256 * 1024;
/** A state message or an event's message; longer ones are cut. */
export const MAX_MESSAGE_BYTES = 4 * 1024;
/** An event's details, as JSON; longer values are cut. */
export const MAX_EVENT_BYTES = 4 * 1024;
/** Labels and Meta of a job, each as JSON. */
export const MAX_LABELS_BYTES = 64 * 1024;
/** What `RunOutput` keeps of each stream: the head. */
export const MAX_RUN_OUTPUT_BYTES = 2 * 1024;
/** What a node says about itself, as JSON. */
export const MAX_NODE_INFO_BYTES = 64 * 1024;
/** Cores of one node. */
export const MAX_NODE_CPU = 1_000_000;
/** One WebSocket text frame, in characters. */
export const MAX_FRAME_CHARS = 1024 * 1024;
/** Executions listed in one `hello` or `holds` frame. */
export const MAX_HOLDS_PER_FRAME = 5_000;
/** Executions that one node holds at most: those in one `hello` and the `holds` frames that follow it. */
export const MAX_HOLDS = 50_000;
/** Listed by all nodes that are saying hello at the same time. */
export const MAX_HOLDS_PENDING = 200_000;
/** What a machine calls itself. */
export const MAX_HOSTNAME_CHARS = 255;
/** Nodes of one installation, and what all of them say about themselves, as JSON. */
export const MAX_NODES = 5_000;
export const MAX_ALL_NODE_INFO_BYTES = 16_000_000;
/** Nodes that join for the first time within a minute. */
export const MAX_NEW_NODES_PER_MINUTE = 2_000;
/** Connections of one node within a minute. */
export const MAX_GREETINGS_PER_MINUTE = 30;
/** Connections that have not said hello, and how long each may take to say it in full. */
export const MAX_STRANGERS = 2_000;
export const HELLO_MS = 30_000;
/** One that has not said it after this time makes room for another when there are too many. */
export const HELLO_AT_ONCE_MS = 5_000;
/** Frames of one node, over all its connections: this many a second for long, and this many at once. */
export const FRAMES_PER_SECOND = 2_000;
export const FRAMES_AT_ONCE = 10_000;
/** The same in characters. */
export const FRAME_CHARS_PER_SECOND = 2_000_000;
export const FRAME_CHARS_AT_ONCE = 16_000_000;
/** The same for `capacity` frames, each of which may make every waiting job be looked at. */
export const CAPACITY_FRAMES_PER_SECOND = 0.5;
export const CAPACITY_FRAMES_AT_ONCE = 30;
/** Of all nodes together; beyond it a node has only its modest share. */
export const ALL_FRAMES_PER_SECOND = 20_000;
export const ALL_FRAMES_AT_ONCE = 100_000;
export const ALL_FRAME_CHARS_PER_SECOND = 16_000_000;
export const ALL_FRAME_CHARS_AT_ONCE = 128_000_000;
export const MODEST_FRAMES_PER_SECOND = 50;
export const MODEST_FRAMES_AT_ONCE = 4_000;
export const MODEST_FRAME_CHARS_PER_SECOND = 64_000;
export const MODEST_FRAME_CHARS_AT_ONCE = 6_000_000;
/** Of one connection before its hello is complete: the hello, its `holds`, and a few that are not known here. */
export const STRANGER_FRAMES = 32;
export const STRANGER_CHARS = 8_000_000;
/** A frame of such a connection is large from here on; of large ones all of them together may send only so much. */
export const LARGE_FRAME_CHARS = 64 * 1024;
export const LARGE_CHARS_PER_SECOND = 8_000_000;
export const LARGE_CHARS_AT_ONCE = 64_000_000;
/** Partitions of one job. */
export const MAX_COUNT = 100_000;
/** An amount such as `512mb`, a host name or an IP address, in characters. */
export const MAX_AMOUNT_CHARS = 64;
export const MAX_DOMAIN_CHARS = 253;
/** Name and namespace of a job, in characters. */
export const MAX_NAME_CHARS = 255;
/** Namespaces of one credential that is limited to some: each is a search of its own in a list. */
export const MAX_TOKEN_NAMESPACES = 16;
/** Rows a list answers at most; `limit=0` means this many. */
export const MAX_LIST_ROWS = 1_000;
/** A list of jobs ends after the row with which their documents exceed this: they are held in memory several times. */
export const MAX_LIST_BYTES = 8 * 1024 * 1024;
/** Executions and nodes are never paged by clients, so their cap is higher. */
export const MAX_UNPAGED_ROWS = 10_000;

/** One turn of the Scheduler takes at most this many events and bytes. */
export const MAX_TURN_EVENTS = 1_000;
export const MAX_TURN_BYTES = 4_000_000;
/**
 * What may wait for a turn: submits, stops, and what agents say, each for itself. Beyond it commands get 503 and frames
 * are dropped (they come again).
 */
export const MAX_INBOX_COMMANDS = 2_000;
export const MAX_INBOX_FRAMES = 20_000;
export const MAX_INBOX_BYTES = 16_000_000;
/** Of one node. */
export const MAX_INBOX_NODE_FRAMES = 5_000;
/** D1: bytes of bound JSON in one statement. */
export const MAX_STATEMENT_BYTES = 1_000_000;

/** The agent's text `ping`; answered by the runtime without waking the Scheduler. */
export const HEARTBEAT_MS = 15_000;
/** How long a node's silence is trusted while it holds work. */
export const LEASE_MS = 30_000;
/** After the lease, how long until its executions are fenced and replaced. */
export const GRACE_MS = 60_000;
/** A `run` must be acknowledged within this time. */
export const ACK_MS = 3_000;
/** The same for an execution whose node has not come back yet when a Scheduler starts. */
export const ACK_AFTER_START_MS = 10_000;
/** Deadlines that passed while no Scheduler ran wait this much longer. */
export const OVERDUE_GRACE_MS = 60_000;
/** A `stop` without an answer is sent again after this time, then doubling up to MAX_STOP_RESEND_MS. */
export const STOP_RESEND_MS = 5_000;
export const MAX_STOP_RESEND_MS = 60_000;
/** A fenced execution whose node never answers is Failed after this time. */
export const FENCED_EXPIRY_MS = 24 * 3_600_000;
/** The Scheduler's own limit on an execution, after the agent's. */
export const EXECUTION_BACKSTOP_MS = 60_000;
/** How long a batch job waits for a node when its task names no QueueTimeout. */
export const DEFAULT_QUEUE_TIMEOUT_MS = 24 * 3_600_000;
/** How long the answer to a command is kept for the same command sent again. */
export const COMMAND_TTL_MS = 3_600_000;
/** The same for a submission that carries a client's own token. */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
export const MAX_IDEMPOTENCY_TOKEN_CHARS = 255;
/** Failures of the environment are tried this often in all, with a back-off that doubles from RETRY_BASE_MS. */
export const MAX_ATTEMPTS = 3;
export const RETRY_BASE_MS = 1_000;
export const RETRY_MAX_MS = 60_000;
/** A task that ran this long ran well: what failed before it no longer lengthens the pause. */
export const RAN_WELL_MS = 5 * 60_000;
/** How long ended executions of a service or daemon job are kept in memory; its decisions look no further back. */
export const KEPT_UP_MEMORY_MS = 3_600_000;
/** A job that has waited this long, the first of its placement class, may get room kept free for it on one node. */
export const RESERVE_AFTER_MS = 30_000;
/** Room is kept for this long at first, for twice as long after each time that it was in vain, up to the longest. */
export const FIRST_HOLD_MS = 30_000;
export const LONGEST_HOLD_MS = 3_600_000;
/** Waiting jobs whose lapsed holds are remembered; beyond them the one that lapsed longest ago is forgotten. */
export const MAX_LAPSES = 64;
/**
 * One turn of the Scheduler does at most this much work, counted in looks at one node for one job: the clock stands still
 * within a turn once deployed, so a turn cannot time itself. A whole budget takes at most 50 ms on two cores.
 */
export const MAX_TURN_WORK = 250_000;
/** Starting an execution, with its rows and its frame, in looks. */
export const START_WORK = 1_000;
/** Saying why one node does not take a job. */
export const REASON_WORK = 10;
/** A node that has been away for longer than this counts in no reason any more. */
export const AWAY_NODE_MS = 10 * 60_000;
/** Reasons why jobs wait are written anew at most this often while nodes come and go. */
export const REASONS_EVERY_MS = 5_000;
/** Days that a node which left, or was deleted, is remembered when the setting does not say otherwise. */
export const DEFAULT_NODE_RETENTION_DAYS = 7;
/** This many different nodes lost while starting one partition fail the job. */
export const MAX_LOST_NODES = 3;
/** What is kept of one execution's log, headers of its chunks included: the first and the last half. */
export const MAX_LOG_BYTES = 1024 * 1024 * 1024;
/** A chunk of a log holds at most this much output. */
export const MAX_LOG_CHUNK_BYTES = 64 * 1024;
/** What is asked of a log at once. */
export const LOG_PULL_BYTES = 512 * 1024;
/** One part of a log as it is stored. */
export const MAX_LOG_PART_BYTES = 2 * 1024 * 1024;
/** Parts of one execution's log in all, and their bytes: an agent that was killed stores its last part again. */
export const MAX_LOG_PARTS = 40_000;
export const MAX_STORED_LOG_BYTES = MAX_LOG_BYTES + 32 * MAX_LOG_PART_BYTES;
/** Offsets of a log are less. */
export const MAX_LOG_OFFSET = 10 ** 15;
/** An execution's token is dead this long after its end. */
export const TOKEN_AFTER_END_MS = 3_600_000;
