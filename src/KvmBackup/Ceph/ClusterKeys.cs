using System.Globalization;

namespace KvmBackup.Ceph;

/// <summary>
/// Passes keys of clusters to rbd as files, because command lines are visible to all users. The files exist during a
/// run; those of a killed run are removed by the next one.
/// </summary>
/// <param name="directoryPath">A folder of this program, private to its user.</param>
public sealed class ClusterKeys(string directoryPath)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes the file of a key.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="CephException">It cannot be written.</exception>
    public string Write(Guid secret, string key)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}.{secret}.key");
        string path = Path.Combine(directoryPath, name);
        try
        {
            // One by one: parents that CreateDirectory creates implicitly would be readable by all users.
            _ = Directory.CreateDirectory(Path.GetDirectoryName(directoryPath)!, Private | UnixFileMode.UserExecute);
            _ = Directory.CreateDirectory(directoryPath, Private | UnixFileMode.UserExecute);
            Remove(isOwnToo: false);
            File.Delete(path);
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = Private,
            };
            using FileStream file = new(path, options);
            file.Write(System.Text.Encoding.ASCII.GetBytes(key));
            return path;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CephException(
                $"The key of a cluster cannot be written to {directoryPath}: {failure.Message}", ExitCode.Failed,
                failure);
        }
    }

    /// <summary>Removes the files of this process. Never fails, because the next run would remove them.</summary>
    public void Forget()
    {
        try
        {
            Remove(isOwnToo: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Another kvmbackup process removes files at the same time.
        }
    }

    private void Remove(bool isOwnToo)
    {
        foreach (string file in Directory.Exists(directoryPath) ? Directory.GetFiles(directoryPath, "*.key") : [])
        {
            string process = Path.GetFileName(file).Split('.')[0];
            bool isOwn = process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            if (isOwn ? isOwnToo : !Directory.Exists($"/proc/{process}"))
            {
                File.Delete(file);
            }
        }
    }
}
