using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KvmBackup.Reporting;

/// <summary>Reports as JSON for programs: snake case, sizes in bytes, durations in seconds, times in UTC.</summary>
public sealed class JsonReports(TextWriter output) : IReports
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public void Print(RunReport report) => Write(new JsonObject
    {
        ["started_at"] = Time(report.StartedAt),
        ["elapsed_seconds"] = report.Elapsed.TotalSeconds,
        ["exit_code"] = (int)report.ExitCode,
        ["recovered"] = Array(report.Recovery.Domains, Recovery),
        ["jobs"] = Array(report.Jobs, Job),
    });

    public void Print(ListReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["directory"] = report.DirectoryPath,
        ["backups"] = Array(report.Backups, Summary),
        ["unusable"] = Strings(report.Unusable),
        ["damages"] = Strings(report.Damages),
    });

    public void Print(CompletedBackup backup, bool withFiles)
    {
        Manifest manifest = backup.Manifest;
        JsonObject json = Summary(backup);
        json["domain_uuid"] = manifest.DomainUuid.ToString();
        json["host"] = manifest.Host;
        json["program"] = manifest.Program;
        json["started_at"] = Time(manifest.StartedAt);
        json["finished_at"] = Time(manifest.FinishedAt);
        json["consistency_reason"] = manifest.ConsistencyReason;
        json["frozen_seconds"] = manifest.FrozenFor?.TotalSeconds;
        json["compression"] = Word(manifest.Archive.Compression);
        json["archive"] = manifest.Archive.FileName;
        json["archive_sha256"] = manifest.Archive.Sha256;
        json["disk_files"] = Array(manifest.Disks.SelectMany(disk => disk.Layers.Select(layer => (disk, layer))), Layer);
        json["skipped_disks"] = Array(manifest.SkippedDisks, disk => new JsonObject
        {
            ["target"] = disk.Target.Value,
            ["reason"] = disk.Reason,
        });
        json["warnings"] = Strings(manifest.Warnings);
        json["merged_from"] = Strings(manifest.MergedFrom.Select(id => $"{id}"));
        if (withFiles)
        {
            json["files"] = Array(manifest.Members, member => new JsonObject
            {
                ["name"] = member.Name,
                ["size_bytes"] = member.SizeBytes,
                ["data_bytes"] = member.DataBytes,
                ["data_offset_bytes"] = member.DataOffsetBytes,
                ["content_xxh128"] = member.ContentXxh128,
            });
        }

        Write(json);
    }

    public void Print(VerifyReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["share_read"] = report.Depth.Share,
        ["is_unpacked"] = report.Depth.Unpacks,
        ["results"] = Array(report.Results, result => new JsonObject
        {
            ["domain"] = result.Backup.Domain.Value,
            ["id"] = result.Backup.Id.ToString(),
            ["is_whole"] = result.Damages.Count == 0,
            ["elapsed_seconds"] = result.Elapsed.TotalSeconds,
            ["damages"] = Array(result.Damages, damage => new JsonObject
            {
                ["file"] = damage.File,
                ["offset_bytes"] = damage.OffsetBytes,
                ["members"] = Strings(damage.Members),
                ["reason"] = damage.Reason,
            }),
        }),
        ["unusable"] = Strings(report.Unusable),
    });

    public void Print(RestoreReport report, bool isDryRun) => Write(new JsonObject
    {
        ["domain"] = report.Domain.Value,
        ["id"] = report.Id.ToString(),
        ["name"] = report.Name.Value,
        ["is_dry_run"] = isDryRun,
        ["written_files"] = Strings(report.WrittenFiles),
        ["kept_files"] = Strings(report.KeptFiles),
        ["is_defined"] = report.IsDefined,
        ["is_started"] = report.IsStarted,
        ["is_autostarted"] = report.IsAutostarted,
        ["data_bytes"] = report.DataBytes,
        ["elapsed_seconds"] = report.Elapsed.TotalSeconds,
        ["warnings"] = Strings(report.Warnings),
        ["commands"] = Strings(report.Commands),
    });

    public void Print(SalvageReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["domain"] = report.Domain.Value,
        ["id"] = report.Id.ToString(),
        ["files"] = Array(report.Files, file => new JsonObject
        {
            ["path"] = file.FilePath,
            ["size_bytes"] = file.SizeBytes,
            ["is_whole"] = file.IsWhole,
            ["missing"] = Array(file.Missing, run => new JsonObject { ["offset_bytes"] = run.OffsetBytes, ["length_bytes"] = run.LengthBytes }),
            ["unproven"] = Array(file.Unproven, run => new JsonObject { ["offset_bytes"] = run.OffsetBytes, ["length_bytes"] = run.LengthBytes }),
        }),
        ["notes"] = Strings(report.Notes),
        ["elapsed_seconds"] = report.Elapsed.TotalSeconds,
    });

    public void Print(PruneReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["is_dry_run"] = report.IsDryRun,
        ["verdicts"] = Array(report.Verdicts, Verdict),
        ["merged"] = Array(report.Merged, Merged),
        ["notes"] = Strings(report.Notes),
        ["damages"] = Strings(report.Damages),
        ["failures"] = Strings(report.Failures),
    });

    public void Print(CheckReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["findings"] = Array(report.Findings, finding => new JsonObject
        {
            ["subject"] = finding.Subject,
            ["severity"] = Word(finding.Severity),
            ["text"] = finding.Text,
            ["mend"] = finding.Hint,
        }),
    });

    public void Print(RecoveryReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["domains"] = Array(report.Domains, Recovery),
    });

    public void Print(SnapshotsReport report) => Write(new JsonObject
    {
        ["exit_code"] = (int)report.ExitCode,
        ["is_dry_run"] = report.IsDryRun,
        ["snapshots"] = Array(report.Verdicts, entry => new JsonObject
        {
            ["domain"] = entry.Domain.Value,
            ["disk"] = entry.Verdict.Disk.Value,
            ["image"] = entry.Verdict.Image.Spec,
            ["name"] = entry.Verdict.Snapshot.Name,
            ["is_protected"] = entry.Verdict.Snapshot.IsProtected,
            ["fate"] = Word(entry.Verdict.Disposition),
            ["reason"] = entry.Verdict.Reason,
        }),
        ["removed"] = Strings(report.Removed),
        ["owed"] = Strings(report.PendingDeletions),
        ["failures"] = Strings(report.Failures),
    });

    public void Print(CompareReport report)
    {
        JsonObject json = ComparisonJson.Of(report);
        json["recovered"] = Array(report.Recovery.Domains, Recovery);
        Write(json);
    }

    // A program gets JSON whatever happens.
    public void PrintError(string message, ExitCode exitCode) => Write(new JsonObject
    {
        ["exit_code"] = (int)exitCode,
        ["error"] = message,
    });

    private static JsonObject Recovery(DomainRecoveryReport domain) => new()
    {
        ["domain"] = domain.Name,
        ["is_mended"] = domain.IsRecovered,
        ["deeds"] = Strings(domain.Actions),
    };

    private static JsonObject Job(JobReport job) => new()
    {
        ["domain"] = job.Domain.Value,
        ["outcome"] = Word(job.Outcome),
        ["reason"] = job.Reason,
        ["elapsed_seconds"] = job.Elapsed.TotalSeconds,
        ["backup"] = job.Backup is { } backup ? Summary(backup) : null,
        ["warnings"] = Strings(job.Warnings),
        ["damages"] = Strings(job.Damages),
        ["removed"] = Array(job.Removed, Verdict),
        ["merged"] = Array(job.Merged, Merged),
        ["commands"] = Strings(job.Commands),
    };

    private static JsonObject Summary(CompletedBackup backup)
    {
        JsonObject json = Summary(backup.Manifest);
        json["domain"] = backup.Domain.Value;
        json["is_protected"] = backup.IsProtected;
        json["path"] = backup.DirectoryPath;
        return json;
    }

    private static JsonObject Summary(Manifest manifest) => new()
    {
        ["domain"] = manifest.Domain.Value,
        ["id"] = manifest.Id.ToString(),
        ["kind"] = Word(manifest.Kind),
        ["bases"] = Strings(manifest.Bases.Select(id => $"{id}")),
        ["consistency"] = Word(manifest.Consistency),
        ["disks"] = Strings(manifest.Disks.Select(disk => disk.Target.Value)),
        ["content_bytes"] = manifest.Members.Sum(member => member.DataBytes),
        ["archive_bytes"] = manifest.Archive.SizeBytes,
    };

    private static JsonObject Layer((ManifestDisk Disk, ManifestLayer Layer) file) => new()
    {
        ["target"] = file.Disk.Target.Value,
        ["file"] = file.Layer.FileName,
        ["format"] = file.Layer.Format,
        ["size_bytes"] = file.Layer.SizeBytes,
        ["virtual_size_bytes"] = file.Disk.VirtualSizeBytes,
        ["content_xxh128"] = file.Layer.Xxh128,
        ["source"] = file.Layer.SourcePath,
    };

    private static JsonObject Merged(CompletedBackup backup) => new()
    {
        ["domain"] = backup.Domain.Value,
        ["id"] = backup.Id.ToString(),
        ["from"] = Strings(backup.Manifest.MergedFrom.Select(id => $"{id}")),
    };

    private static JsonObject Verdict(RetentionVerdict verdict) => new()
    {
        ["domain"] = verdict.Backup.Domain.Value,
        ["id"] = verdict.Backup.Id.ToString(),
        ["is_kept"] = verdict.IsKept,
        ["reason"] = verdict.Reason,
    };

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    private static string Time(DateTimeOffset instant) => instant.UtcDateTime.ToString("O", null);

    private static JsonArray Array<T>(IEnumerable<T> values, Func<T, JsonNode> convert) => [.. values.Select(convert)];

    private static JsonArray Strings(IEnumerable<string> values) => [.. values.Select(value => (JsonNode)value)];

    private void Write(JsonObject json)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter writer = new(buffer, Options))
        {
            json.WriteTo(writer);
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
    }
}
