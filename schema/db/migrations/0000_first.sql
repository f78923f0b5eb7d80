CREATE TABLE `commands` (
	`id` text PRIMARY KEY NOT NULL,
	`cell` text NOT NULL,
	`job_id` text NOT NULL,
	`answer` text NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `commands_by_expiry` ON `commands` (`cell`,`expires_at`);--> statement-breakpoint
CREATE TABLE `events` (
	`job_id` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`job_version` integer NOT NULL,
	`execution_id` text NOT NULL,
	`topic` text NOT NULL,
	`message` text NOT NULL,
	`details` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `seq`)
);
--> statement-breakpoint
CREATE TABLE `executions` (
	`id` text PRIMARY KEY NOT NULL,
	`cell` text NOT NULL,
	`namespace` text NOT NULL,
	`job_id` text NOT NULL,
	`job_version` integer NOT NULL,
	`partition` integer NOT NULL,
	`node_id` text NOT NULL,
	`eval_id` text NOT NULL,
	`compute_state` text NOT NULL,
	`compute_message` text NOT NULL,
	`desired_state` text NOT NULL,
	`desired_message` text NOT NULL,
	`failure_class` text,
	`fenced` integer NOT NULL,
	`resources` text NOT NULL,
	`last_seq` integer NOT NULL,
	`running_since` integer,
	`output` text,
	`revision` integer NOT NULL,
	`open` integer NOT NULL,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `executions_by_job` ON `executions` (`job_id`,`job_version`,`created_at`);--> statement-breakpoint
CREATE INDEX `executions_open` ON `executions` (`cell`,`open`,`id`);--> statement-breakpoint
CREATE TABLE `fence` (
	`cell` text PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`commit_seq` integer NOT NULL,
	`commit_id` text NOT NULL,
	`next_wake` integer NOT NULL,
	`clock` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `job_versions` (
	`job_id` text NOT NULL,
	`version` integer NOT NULL,
	`spec` text NOT NULL,
	`created_at` integer NOT NULL,
	`state` text,
	`state_message` text,
	`revision` integer,
	`modified_at` integer,
	PRIMARY KEY(`job_id`, `version`)
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`cell` text NOT NULL,
	`namespace` text NOT NULL,
	`name` text NOT NULL,
	`type` text NOT NULL,
	`priority` integer NOT NULL,
	`count` integer NOT NULL,
	`needs` text NOT NULL,
	`spec_hash` text NOT NULL,
	`state` text NOT NULL,
	`state_message` text NOT NULL,
	`version` integer NOT NULL,
	`revision` integer NOT NULL,
	`event_seq` integer NOT NULL,
	`version_at` integer NOT NULL,
	`waiting_since` integer,
	`active` integer NOT NULL,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_by_name` ON `jobs` (`namespace`,`name`);--> statement-breakpoint
CREATE INDEX `jobs_by_creation` ON `jobs` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_modification` ON `jobs` (`modified_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_namespace_creation` ON `jobs` (`namespace`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_namespace_modification` ON `jobs` (`namespace`,`modified_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_active` ON `jobs` (`cell`,`active`,`id`);--> statement-breakpoint
CREATE TABLE `nodes` (
	`id` text PRIMARY KEY NOT NULL,
	`cell` text NOT NULL,
	`membership` text NOT NULL,
	`connection` text NOT NULL,
	`info` text NOT NULL,
	`last_error` text NOT NULL,
	`connected_at` integer NOT NULL,
	`disconnected_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`modified_at` integer NOT NULL
);
