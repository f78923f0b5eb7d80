-- The guard of every commit: inserting what the writer believes aborts the whole batch when the fence says otherwise.
CREATE VIEW `guard` AS SELECT '' AS `cell`, 0 AS `epoch`, 0 AS `commit_seq`;
--> statement-breakpoint
CREATE TRIGGER `guard_check` INSTEAD OF INSERT ON `guard` BEGIN
  SELECT RAISE(ABORT, 'shoal:fenced') WHERE NOT EXISTS (
    SELECT 1 FROM `fence` WHERE `cell` = NEW.`cell` AND `epoch` = NEW.`epoch` AND `commit_seq` = NEW.`commit_seq`
  );
END;
