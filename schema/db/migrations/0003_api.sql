CREATE TABLE `credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`lookup` text NOT NULL,
	`verifier` text NOT NULL,
	`ending` text NOT NULL,
	`parent` text NOT NULL,
	`capabilities` text NOT NULL,
	`namespaces` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `credentials_by_lookup` ON `credentials` (`kind`,`lookup`);--> statement-breakpoint
CREATE INDEX `credentials_by_parent` ON `credentials` (`parent`);--> statement-breakpoint
CREATE INDEX `credentials_by_expiry` ON `credentials` (`expires_at`);--> statement-breakpoint
CREATE TABLE `installation` (
	`id` integer PRIMARY KEY NOT NULL,
	`node_id` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `job_labels` (
	`job_id` text NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `key`)
);
--> statement-breakpoint
CREATE INDEX `job_labels_by_value` ON `job_labels` (`key`,`value`,`created_at`,`job_id`);--> statement-breakpoint
CREATE INDEX `job_labels_by_key` ON `job_labels` (`key`,`created_at`,`job_id`);--> statement-breakpoint
ALTER TABLE `commands` ADD `namespace` text;--> statement-breakpoint
ALTER TABLE `commands` ADD `token` text;--> statement-breakpoint
ALTER TABLE `commands` ADD `request_hash` text;--> statement-breakpoint
CREATE UNIQUE INDEX `commands_by_token` ON `commands` (`namespace`,`token`) WHERE token IS NOT NULL;--> statement-breakpoint
CREATE INDEX `jobs_by_namespace_id` ON `jobs` (`namespace`,`id`);--> statement-breakpoint
-- A version 4 uuid, random per database: nothing has to be written on first use, so no two requests can race for it.
INSERT INTO `installation` (`id`, `node_id`)
SELECT 1, 'n-' || substr(r, 1, 8) || '-' || substr(r, 9, 4) || '-4' || substr(r, 14, 3) || '-a' || substr(r, 18, 3) || '-' || substr(r, 21)
FROM (SELECT lower(hex(randomblob(16))) AS r);
--> statement-breakpoint
-- Labels of the jobs that are there already.
INSERT INTO `job_labels` (`job_id`, `key`, `value`, `created_at`)
SELECT j.`id`, l.`key`, l.`value`, j.`created_at`
FROM `jobs` AS j JOIN `job_versions` AS v ON v.`job_id` = j.`id` AND v.`version` = j.`version`, json_each(v.`spec`, '$.Labels') AS l;
