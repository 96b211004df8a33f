using System.Text;
using System.Text.Json;
using KvmBackup.Shell;
using KvmBackup.Storage;
using KvmBackup.Tests.Runs;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Cli;

/// <summary>The built program at a shell: redirected, piped, with closed and full streams, with few files.</summary>
public sealed class ShellTests : IDisposable
{
    private const string FewFiles = "setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource prlimit --nofile=64";
    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory target;

    public ShellTests()
    {
        target = new BackupDirectory(folder.PathOf("backups"), TimeProvider.System);
        target.EnsureUsable();
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("(k cat web1 vdb; k cat web1 domain.xml) > $D/out")]
    [InlineData("k cat web1 vdb > $D/out; k cat web1 domain.xml >> $D/out")]
    [InlineData("(k cat web1 vdb; k cat web1 domain.xml) | cat > $D/out")]
    public async Task Bytes_are_appended_to_those_of_earlier_programs(string script)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(script);

        Assert.Equal((0, string.Empty), (result.ExitCode, result.StandardError));
        byte[] expected = [.. RealBackups.Vdb.ToArray(), .. Encoding.UTF8.GetBytes("<domain/>")];
        Assert.Equal(expected, await File.ReadAllBytesAsync(folder.PathOf("out")));
    }

    [Theory]
    [InlineData("list web1@20261120", "show web1@20261120")]
    [InlineData("list web1@latest", "show web1")]
    [InlineData("list web1@2026-11-20", "show web1")]
    [InlineData("list $D/backups/web1/20261120T020000Z-full", "show web1")]
    public async Task List_with_an_ID_prints_that_backup(string list, string show)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(
            $"k {list} > $D/list && k {show} > $D/show && cmp $D/list $D/show && "
            + "k list web1 > $D/all && ! cmp -s $D/list $D/all");

        Assert.Equal((0, string.Empty, string.Empty), (result.ExitCode, result.StandardOutput, result.StandardError));
    }

    [Fact]
    public async Task List_takes_a_name_with_an_at_sign_as_a_name_and_says_what_there_is_when_the_ID_is_not()
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        _ = Directory.CreateDirectory(Path.Combine(target.DirectoryPath, "web1@2026"));

        Assert.Equal(0, (await RunAsync("k list web1@2026")).ExitCode);
        ProgramResult none = await RunAsync("k list web1@1999");

        Assert.Equal((int)ExitCode.Usage, none.ExitCode);
        Assert.Contains("20261120T020000Z", none.StandardError, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("k cat web1 vda | head -c 10 > $D/out; echo ${PIPESTATUS[0]}", "141\n")]
    [InlineData("k --help | true; echo ${PIPESTATUS[0]}", "0\n")]
    [InlineData("k list --backupdir nowhere 2>&1 | true; echo ${PIPESTATUS[0]}", "1\n")]
    public async Task A_closed_pipe_is_not_reported(string script, string expected)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(script);

        Assert.Equal((expected, string.Empty), (result.StandardOutput, result.StandardError));
    }

    [Theory]
    [InlineData("k list > /dev/full", ExitCode.Failed, "standard output cannot be written: No space left on device")]
    [InlineData("k list >&-", ExitCode.Failed, "standard output cannot be written: it is closed")]
    [InlineData("k --json list > /dev/full", ExitCode.Failed, "No space left on device")]
    [InlineData("k --help > /dev/full", ExitCode.Failed, "No space left on device")]
    [InlineData("k cat web1 vda > /dev/full", ExitCode.Failed, "No space left on device")]
    [InlineData("k cat web1 vda >&-", ExitCode.Usage, "which is closed")]
    [InlineData("k show web9 2> /dev/full", ExitCode.Usage, "")]
    [InlineData("k show web9 2>&-", ExitCode.Usage, "")]
    [InlineData("k show web9 <&- >&- 2>&-", ExitCode.Usage, "")]
    [InlineData("k nonsense > /dev/full 2>&1", ExitCode.Usage, "")]
    [InlineData("k nonsense --json > /dev/full", ExitCode.Usage, "")]
    [InlineData("k assemble web1 --disk vdb --to $D/vdb.raw > /dev/full 2>&1", ExitCode.Done, "")]
    public async Task A_full_or_closed_stream_aborts_nothing(string script, ExitCode expected, string message)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(script);

        Assert.Equal((int)expected, result.ExitCode);
        Assert.Contains(message, result.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_low_limit_of_open_files_is_refused_at_once()
    {
        ProgramResult result = await RunAsync($"{FewFiles} \"$@\" list");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(
            "may open only 64 files, but 256 are required: raise ulimit -n", result.StandardError,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_soft_limit_of_open_files_is_raised() =>
        Assert.Equal(0, (await RunAsync("ulimit -Sn 64; k list")).ExitCode);

    [Theory]
    [InlineData("web1")]
    [InlineData("web1@latest")]
    [InlineData("web1@2026-11-20")]
    [InlineData("web1@20261120T020000Z-full")]
    [InlineData("web1/20261120T020000Z-full")]
    [InlineData("$D/backups/web1/20261120T020000Z-full/")]
    public async Task A_backup_is_found_by_each_form_of_its_name(string name)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync($"k --json show {name}");

        JsonElement backup = JsonDocument.Parse(result.StandardOutput).RootElement.GetProperty("backup");
        Assert.Equal("20261120T020000Z", backup.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_path_outside_the_backup_directory_is_refused_with_the_option_to_give()
    {
        ProgramResult result = await RunAsync("k show /mnt/other/web1/20261120T020000Z-full");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("give --backupdir /mnt/other", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renamed_directory_has_the_same_name_in_all_commands()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        Directory.Move(Path.GetDirectoryName(backup.DirectoryPath)!, folder.PathOf("backups", "old"));

        Assert.StartsWith("old ", (await PrintAsync("k list")).Split('\n')[1], StringComparison.Ordinal);
        Assert.StartsWith("old@20261120T020000Z", await PrintAsync("k show old"), StringComparison.Ordinal);
        Assert.StartsWith(
            "old@20261120T020000Z: no damage", await PrintAsync("k verify --all"), StringComparison.Ordinal);
        Assert.StartsWith(
            "old@20261120T020000Z: ", await PrintAsync("k assemble old --disk vdb --to $D/a"),
            StringComparison.Ordinal);
        foreach (string command in new[] { "list", "verify --all" })
        {
            Assert.Contains(
                "\"domain\": \"old\"", await PrintAsync($"k --json {command}"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("list")]
    [InlineData("show web1")]
    [InlineData("verify web1")]
    [InlineData("verify --all")]
    [InlineData("restore web1 --disk vda --to $D/restored")]
    [InlineData("assemble web1 --disk vdb --to $D/vdb.raw")]
    public async Task Quiet_prints_nothing_without_a_problem_and_JSON_is_always_one_document(string command)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult json = await RunAsync($"k {command} --json -q");
        await RunAsync("rm -r $D/restored $D/vdb.raw");
        ProgramResult quiet = await RunAsync($"k {command} -q");

        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json.StandardOutput).RootElement.ValueKind);
        Assert.Equal((0, string.Empty), (json.ExitCode, json.StandardError));
        Assert.Equal((0, string.Empty), (quiet.ExitCode, quiet.StandardError));
        Assert.All(
            quiet.StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => Assert.StartsWith("warning: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Quiet_prints_what_requires_attention()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        File.Delete(Path.Combine(backup.DirectoryPath, "web1.tar.gz"));

        const string expected = "not a usable backup: web1/20261120T020000Z-full";
        Assert.StartsWith(expected, await PrintAsync("k list -q"), StringComparison.Ordinal);
        Assert.Contains(expected, await PrintAsync("k verify --all -q"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_configuration_the_option_for_that_is_reported()
    {
        ProgramResult result = await RunAsync("\"$@\" -c $D/absent.yml list");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("--backupdir DIR", result.StandardError, StringComparison.Ordinal);
        ProgramResult run = await RunAsync("\"$@\" -c $D/absent.yml run");
        Assert.DoesNotContain("--backupdir", run.StandardError, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flock $D/backups/web1/.lock")]
    [InlineData("echo other; printf '0d1cf2c5 abc\\nprocess 7 on cloud2\\n' > $D/backups/web1/.lease;")]
    public async Task Prune_reports_a_lock_of_another_run_with_its_exit_code(string before)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        Configure();

        ProgramResult result = await RunAsync($"{before} \"$@\" -c $D/config.yml prune");

        Assert.Equal((int)ExitCode.AlreadyRunning, result.ExitCode);
        Assert.Contains("is in use by", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_program_is_reported_with_its_package()
    {
        Configure();

        ProgramResult result = await RunAsync("PATH=$D \"$@\" -c $D/config.yml check");

        Assert.Equal((int)ExitCode.Failed, result.ExitCode);
        Assert.Contains("qemu-img is not installed on this host", result.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("apt-get install qemu-utils", result.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("apt-get install libvirt-clients", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_backup_directory_is_reported_with_the_setting_to_change()
    {
        Configure(folder.PathOf("config.yml"));

        ProgramResult result = await RunAsync("\"$@\" -c $D/config.yml check");

        Assert.Contains("is a file. Set backupdir to a directory.", result.StandardOutput, StringComparison.Ordinal);
    }

    private void Configure(string? backupDirectory = null) => File.WriteAllText(
        folder.PathOf("config.yml"),
        $$"""
        {{Environment.MachineName.Split('.')[0]}}:
          backupdir: {{backupDirectory ?? target.DirectoryPath}}
          statedir: {{folder.PathOf("state")}}
          domains:
            web1: {day_of_week: daily, rotate: 1}
        """);

    private async Task<string> PrintAsync(string script) => (await RunAsync(script)).StandardOutput;

    /// <summary>In a script, $@ is the program, k the same with the backup directory, and $D a folder.</summary>
    private Task<ProgramResult> RunAsync(string script)
    {
        const string Prelude = """
            D=$0
            program=("$@")
            k() {
                case " $* " in
                    *nonsense*|*" --backupdir "*|*" --help "*) "${program[@]}" "$@" ;;
                    *) "${program[@]}" "$@" --backupdir "$D/backups" ;;
                esac
            }

            """;
        return new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall(
                "bash",
                ["-c", Prelude + script, folder.DirectoryPath, BuiltProgram.FilePath]),
            CancellationToken.None);
    }
}
