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
    public async Task Bytes_go_where_the_programs_before_have_ended(string script)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(script);

        Assert.Equal((0, string.Empty), (result.ExitCode, result.StandardError));
        byte[] expected = [.. RealBackups.Vdb.ToArray(), .. Encoding.UTF8.GetBytes("<domain/>")];
        Assert.Equal(expected, await File.ReadAllBytesAsync(folder.PathOf("out")));
    }

    [Theory]
    [InlineData("k cat web1 vda | head -c 10 > $D/out; echo ${PIPESTATUS[0]}", "141\n")]
    [InlineData("k --help | true; echo ${PIPESTATUS[0]}", "0\n")]
    [InlineData("k list --backupdir nowhere 2>&1 | true; echo ${PIPESTATUS[0]}", "1\n")]
    public async Task Nobody_who_reads_is_no_news(string script, string expected)
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
    public async Task A_full_or_closed_stream_aborts_nothing(string script, ExitCode expected, string told)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync(script);

        Assert.Equal((int)expected, result.ExitCode);
        Assert.Contains(told, result.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_few_files_are_refused_before_anything_begins()
    {
        ProgramResult result = await RunAsync($"{FewFiles} \"$@\" list");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("may open only 64 files, but 256 are required: raise ulimit -n", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_limit_that_can_be_raised_is_raised() =>
        Assert.Equal(0, (await RunAsync("ulimit -Sn 64; k list")).ExitCode);

    [Theory]
    [InlineData("web1")]
    [InlineData("web1@latest")]
    [InlineData("web1@2026-11-20")]
    [InlineData("web1@20261120T020000Z-full")]
    [InlineData("web1/20261120T020000Z-full")]
    [InlineData("$D/backups/web1/20261120T020000Z-full/")]
    public async Task A_backup_is_found_however_it_is_called(string name)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);

        ProgramResult result = await RunAsync($"k --json show {name}");

        Assert.Equal("20261120T020000Z", JsonDocument.Parse(result.StandardOutput).RootElement.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_path_that_lies_elsewhere_is_refused_with_what_to_type()
    {
        ProgramResult result = await RunAsync("k show /mnt/other/web1/20261120T020000Z-full");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("give --backupdir /mnt/other", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renamed_folder_has_one_name_in_all_commands()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        Directory.Move(Path.GetDirectoryName(backup.DirectoryPath)!, folder.PathOf("backups", "old"));

        Assert.StartsWith("old ", (await RunAsync("k list")).StandardOutput.Split('\n')[1], StringComparison.Ordinal);
        Assert.StartsWith("old@20261120T020000Z", (await RunAsync("k show old")).StandardOutput, StringComparison.Ordinal);
        Assert.StartsWith("old@20261120T020000Z: whole", (await RunAsync("k verify --all")).StandardOutput, StringComparison.Ordinal);
        Assert.StartsWith("old@20261120T020000Z: ", (await RunAsync("k assemble old --disk vdb --to $D/a")).StandardOutput, StringComparison.Ordinal);
        foreach (string command in new[] { "list", "verify --all" })
        {
            Assert.Contains("\"domain\": \"old\"", (await RunAsync($"k --json {command}")).StandardOutput, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("list")]
    [InlineData("show web1")]
    [InlineData("verify web1")]
    [InlineData("verify --all")]
    [InlineData("restore web1 --disk vda --to $D/restored")]
    [InlineData("assemble web1 --disk vdb --to $D/vdb.raw")]
    public async Task Quiet_is_silent_while_all_is_well_and_JSON_is_always_one_document(string command)
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
    public async Task Quiet_tells_what_someone_should_look_at()
    {
        CompletedBackup backup = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        File.Delete(Path.Combine(backup.DirectoryPath, "web1.tar.gz"));

        Assert.StartsWith("not a backup: web1/20261120T020000Z-full", (await RunAsync("k list -q")).StandardOutput, StringComparison.Ordinal);
        Assert.Contains("not a backup: web1/20261120T020000Z-full", (await RunAsync("k verify --all -q")).StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_without_a_configuration_is_told_how_to_do_without()
    {
        ProgramResult result = await RunAsync("\"$@\" -c $D/absent.yml list");

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("--backupdir DIR", result.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("--backupdir", (await RunAsync("\"$@\" -c $D/absent.yml run")).StandardError, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flock $D/backups/web1/.lock")]
    [InlineData("echo other; printf '0d1cf2c5 abc\\nprocess 7 on cloud2\\n' > $D/backups/web1/.lease;")]
    public async Task Prune_that_meets_another_run_ends_with_the_code_for_that(string before)
    {
        _ = await RealBackups.PublishAsync(target, ManifestSamples.Id);
        Configure();

        ProgramResult result = await RunAsync($"{before} \"$@\" -c $D/config.yml prune");

        Assert.Equal((int)ExitCode.AlreadyRunning, result.ExitCode);
        Assert.Contains("is in use by", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_program_is_told_with_its_package()
    {
        Configure();

        ProgramResult result = await RunAsync("dotnet=$(command -v dotnet); PATH=$D $dotnet \"$2\" -c $D/config.yml check");

        Assert.Equal((int)ExitCode.Failed, result.ExitCode);
        Assert.Contains("qemu-img is not installed on this host", result.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("apt-get install qemu-utils", result.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("apt-get install libvirt-clients", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_backup_directory_is_not_to_be_deleted()
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
            new ProgramCall("bash", ["-c", Prelude + script, folder.DirectoryPath, "dotnet", Path.Combine(AppContext.BaseDirectory, "kvmbackup.dll")]),
            CancellationToken.None);
    }
}
