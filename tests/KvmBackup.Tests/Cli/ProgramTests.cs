using System.Text.Json;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Cli;

/// <summary>The built program.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("", "")]
    [InlineData("nonsense", "nonsense")]
    [InlineData("run --nonsense", "--nonsense")]
    [InlineData("backup", "'backup'")]
    [InlineData("prune --wait soon", "soon")]
    [InlineData("verify", "either NAME[@ID] or --all")]
    [InlineData("verify web1 --all", "either NAME[@ID] or --all")]
    [InlineData("restore web1 --disk a,b", "a,b")]
    [InlineData("restore web1 --to rbd:pool/a/b/c", "is not a destination in a cluster")]
    [InlineData("restore web1 --network br0", "--network requires OLD=NEW")]
    [InlineData("restore web1 --network br0=", "--network requires OLD=NEW")]
    [InlineData("restore web1 --network a=b --network a=c", "each OLD once")]
    [InlineData("restore web1 --salvage --to /tmp --without-media", "no other option but --disk")]
    [InlineData("list --config /absent.yml", "/absent.yml")]
    public async Task A_mistake_on_the_command_line_ends_with_2_and_is_named(string words, string named)
    {
        ProgramResult result = await RunAsync(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.StartsWith("kvmbackup: ", result.StandardError, StringComparison.Ordinal);
        Assert.Contains(named, result.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_is_in_the_help()
    {
        ProgramResult result = await RunAsync("--help");

        Assert.Equal(0, result.ExitCode);
        string[] names = ["run", "backup", "list", "show", "verify", "restore", "prune", "check", "--json", "--wait"];
        foreach (string command in names)
        {
            Assert.Contains($"  {command}", result.StandardOutput, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("help snapshots trim", "snapshots trim --help")]
    [InlineData("help", "-h")]
    [InlineData("help restore", "restore web1 --to x -h")]
    public async Task The_help_of_a_command_is_printed_in_both_ways(string command, string option)
    {
        ProgramResult help = await RunAsync(command.Split(' '));

        Assert.Equal((0, string.Empty), (help.ExitCode, help.StandardError));
        Assert.Contains("Synopsis:\n", help.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(help.StandardOutput, (await RunAsync(option.Split(' '))).StandardOutput);
    }

    [Fact]
    public async Task The_version_has_the_commit_of_a_git_checkout() =>
        Assert.Matches(@"^\d+\.\d+\.\d+(\+[0-9a-f]{7})?\n$", (await RunAsync("--version")).StandardOutput);

    [Fact]
    public async Task An_empty_directory_is_listed_without_a_configuration()
    {
        ProgramResult result = await RunAsync("--json", "list", "--backupdir", folder.DirectoryPath);

        Assert.Equal((0, string.Empty), (result.ExitCode, result.StandardError));
        Assert.Contains("\"backups\": []", result.StandardOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_is_printed_as_JSON_on_request()
    {
        ProgramResult result = await RunAsync("--json", "show", "web1", "--backupdir", folder.DirectoryPath);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains($"\"exit_code\": {result.ExitCode}", result.StandardOutput, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--json nonsense")]
    [InlineData("--json")]
    [InlineData("run --nonsense --json")]
    [InlineData("backup --json")]
    [InlineData("--json prune --wait soon")]
    [InlineData("list --backupdir --json")]
    [InlineData("verify --json")]
    [InlineData("--json list --config /absent.yml")]
    public async Task A_mistake_on_the_command_line_is_printed_as_JSON_on_request(string words)
    {
        ProgramResult result = await RunAsync(words.Split(' '));

        Assert.Equal(((int)ExitCode.Usage, string.Empty), (result.ExitCode, result.StandardError));
        JsonElement json = JsonDocument.Parse(result.StandardOutput).RootElement;
        Assert.Equal((int)ExitCode.Usage, json.GetProperty("exit_code").GetInt32());
        Assert.Equal("usage", json.GetProperty("error").GetProperty("code").GetString());
        Assert.NotEmpty(json.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Fact]
    public void The_runtime_takes_no_file_locks() => Assert.Contains(
        "\"System.IO.DisableFileLocking\": true",
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "kvmbackup.runtimeconfig.json")),
        StringComparison.Ordinal);

    private static Task<ProgramResult> RunAsync(params string[] arguments) =>
        new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall(BuiltProgram.FilePath, arguments), CancellationToken.None);
}
