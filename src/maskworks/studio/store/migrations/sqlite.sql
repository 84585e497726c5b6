-- What `versions` come to in SQLite; written by `snapshot.py`, not by hand.

CREATE TABLE maskworks_schema (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT maskworks_schema_pkc PRIMARY KEY (version_num)
)

CREATE TABLE campaigns (
	id INTEGER NOT NULL,
	name TEXT NOT NULL,
	currency TEXT NOT NULL,
	settings TEXT NOT NULL,
	added_at DATETIME NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_campaigns_name UNIQUE (name)
)

CREATE TABLE workers (
	id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	host TEXT NOT NULL,
	machine TEXT NOT NULL,
	pid INTEGER NOT NULL,
	started TEXT NOT NULL,
	user TEXT NOT NULL,
	name TEXT NOT NULL,
	since DATETIME NOT NULL,
	beat_at DATETIME NOT NULL,
	ended_at DATETIME, beats INTEGER DEFAULT '0' NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT fk_workers_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id)
)

CREATE TABLE holds (
	campaign_id INTEGER NOT NULL,
	worker_id INTEGER NOT NULL,
	PRIMARY KEY (campaign_id),
	CONSTRAINT fk_holds_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id),
	CONSTRAINT fk_holds_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id)
)

CREATE TABLE items (
	id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	source TEXT NOT NULL,
	content TEXT NOT NULL,
	settings TEXT NOT NULL,
	"key" TEXT NOT NULL,
	sku TEXT,
	tags JSON NOT NULL,
	concept TEXT,
	standing TEXT NOT NULL,
	state TEXT NOT NULL,
	route TEXT,
	score DOUBLE,
	scorer TEXT,
	reasons JSON NOT NULL,
	cost TEXT,
	baseline TEXT,
	seconds DOUBLE,
	spot_check BOOLEAN NOT NULL,
	error_code TEXT,
	error_message TEXT,
	decision TEXT,
	claims INTEGER NOT NULL,
	worker_id INTEGER,
	added_at DATETIME NOT NULL,
	finished_at DATETIME,
	PRIMARY KEY (id),
	CONSTRAINT ck_items_standing CHECK (standing IN ('current', 'superseded', 'gone')),
	CONSTRAINT ck_items_state CHECK (state IN ('pending', 'claimed', 'done')),
	CONSTRAINT ck_items_route CHECK (route IN ('deliver', 'review', 'manual', 'failed')),
	CONSTRAINT ck_items_decision CHECK (decision IN ('accept', 'fix', 'reject')),
	CONSTRAINT ck_items_done_has_route CHECK ((state = 'done') = (route IS NOT NULL)),
	CONSTRAINT ck_items_claimed_has_worker CHECK ((state = 'claimed') = (worker_id IS NOT NULL)),
	CONSTRAINT fk_items_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id),
	CONSTRAINT fk_items_worker_id FOREIGN KEY(worker_id) REFERENCES workers (id)
)

CREATE INDEX ix_items_campaign_id_standing_state_id ON items (campaign_id, standing, state, id)

CREATE UNIQUE INDEX uq_items_source ON items (campaign_id, source) WHERE standing <> 'superseded'

CREATE TABLE outputs (
	id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	item_id INTEGER NOT NULL,
	path TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	width INTEGER NOT NULL,
	height INTEGER NOT NULL,
	bytes BIGINT NOT NULL,
	concept TEXT,
	variant TEXT,
	score DOUBLE,
	live BOOLEAN NOT NULL,
	made_at DATETIME NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT fk_outputs_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id),
	CONSTRAINT fk_outputs_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE INDEX ix_outputs_item_id ON outputs (item_id)

CREATE UNIQUE INDEX uq_outputs_path ON outputs (campaign_id, path) WHERE live

CREATE TABLE events (
	id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	item_id INTEGER,
	at DATETIME NOT NULL,
	what TEXT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	"before" TEXT,
	"after" TEXT,
	details JSON NOT NULL, previous TEXT DEFAULT '' NOT NULL, digest TEXT DEFAULT '' NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT fk_events_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaigns (id),
	CONSTRAINT fk_events_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE INDEX ix_events_campaign_id_item_id ON events (campaign_id, item_id)

CREATE TABLE decisions (
	id INTEGER NOT NULL,
	item_id INTEGER NOT NULL,
	decision TEXT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	at DATETIME NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT ck_decisions_decision CHECK (decision IN ('accept', 'fix', 'reject')),
	CONSTRAINT fk_decisions_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE INDEX ix_decisions_item_id ON decisions (item_id)

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END

CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'events are append-only'); END

CREATE TRIGGER decisions_refuse_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END

CREATE TRIGGER decisions_refuse_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END

CREATE TRIGGER decisions_refuse_replace BEFORE INSERT ON decisions WHEN EXISTS (SELECT 1 FROM decisions WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END

CREATE TABLE api_keys (
	id INTEGER NOT NULL,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,
	digest TEXT NOT NULL,
	scopes JSON NOT NULL,
	megapixels_per_minute DOUBLE,
	monthly_credits DOUBLE,
	added_at DATETIME NOT NULL,
	revoked_at DATETIME,
	PRIMARY KEY (id),
	CONSTRAINT uq_api_keys_prefix UNIQUE (prefix)
)

CREATE TABLE usage (
	key_id INTEGER NOT NULL,
	period TEXT NOT NULL,
	requests INTEGER NOT NULL,
	megapixels DOUBLE NOT NULL,
	credits DOUBLE NOT NULL,
	PRIMARY KEY (key_id, period),
	CONSTRAINT fk_usage_key_id FOREIGN KEY(key_id) REFERENCES api_keys (id)
)

CREATE TABLE jobs (
	id INTEGER NOT NULL,
	token TEXT NOT NULL,
	campaign_file TEXT NOT NULL,
	name TEXT NOT NULL,
	state TEXT NOT NULL,
	asked_by TEXT NOT NULL,
	webhook TEXT,
	runner TEXT,
	attempts INTEGER NOT NULL,
	error TEXT,
	result JSON,
	added_at DATETIME NOT NULL,
	beat_at DATETIME,
	ended_at DATETIME, beats INTEGER DEFAULT '0' NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT ck_jobs_state CHECK (state IN ('queued', 'running', 'done', 'failed')),
	CONSTRAINT uq_jobs_token UNIQUE (token)
)

CREATE INDEX ix_jobs_state_id ON jobs (state, id)

CREATE TABLE messages (
	id INTEGER NOT NULL,
	job_id INTEGER NOT NULL,
	url TEXT NOT NULL,
	body TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	due_at DATETIME,
	delivered_at DATETIME,
	last_error TEXT,
	PRIMARY KEY (id),
	CONSTRAINT fk_messages_job_id FOREIGN KEY(job_id) REFERENCES jobs (id)
)

CREATE INDEX ix_messages_due_at ON messages (due_at)

CREATE TABLE leases (
	item_id INTEGER NOT NULL,
	token TEXT NOT NULL,
	who TEXT NOT NULL,
	until DATETIME NOT NULL, holder TEXT DEFAULT '' NOT NULL,
	PRIMARY KEY (item_id),
	CONSTRAINT fk_leases_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE TABLE mattes (
	id INTEGER NOT NULL,
	item_id INTEGER NOT NULL,
	version INTEGER NOT NULL,
	path TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	strokes JSON NOT NULL,
	who TEXT NOT NULL,
	at DATETIME NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_mattes_item_id_version UNIQUE (item_id, version),
	CONSTRAINT fk_mattes_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE TABLE drafts (
	item_id INTEGER NOT NULL,
	who TEXT NOT NULL,
	strokes JSON NOT NULL,
	at DATETIME NOT NULL,
	PRIMARY KEY (item_id),
	CONSTRAINT fk_drafts_item_id FOREIGN KEY(item_id) REFERENCES items (id)
)

CREATE INDEX ix_events_campaign_id_id ON events (campaign_id, id)

CREATE TABLE ended_sessions (
	session TEXT NOT NULL,
	until DATETIME NOT NULL,
	PRIMARY KEY (session)
)

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END

INSERT INTO maskworks_schema VALUES ('0003')
