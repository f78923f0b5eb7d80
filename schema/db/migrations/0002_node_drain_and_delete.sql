ALTER TABLE `nodes` ADD `draining` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `nodes` ADD `deleted_at` integer DEFAULT 0 NOT NULL;